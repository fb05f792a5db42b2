#!/usr/bin/env python3
"""Random programs on the translator, in lockstep with the interpreter (--engine soft,verify).

    lockstep.py --table FORMS.json --run-programs RUN_PROGRAMS [--seed N] [--seconds N]

Loads, stores, branches, calls, exceptions, interrupts, code that changes, code and data across pages, unaligned and
atomic accesses, in loops; batch after batch until the time is over. A batch is repeated by its seed with --seconds 0.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from forms import Table  # noqa: E402
from generate import Generator  # noqa: E402

PROGRAMS, STATES = 150, 4  # a batch
ENGINES = ("verify", "eager,verify")


def run_batch(table, args, seed):
    generator = Generator(table, seed, exceptions=True)
    for _ in range(PROGRAMS):
        generator.program_case(STATES)
    with tempfile.TemporaryDirectory() as work:
        cases = os.path.join(work, "cases")
        generator.write(cases)
        for engine in ENGINES:
            done = subprocess.run([args.run_programs, cases, engine], capture_output=True, text=True, check=False)
            report = [line for line in done.stderr.splitlines() if "undefined instruction" not in line
                      and "more lines about the guest" not in line]
            if done.returncode != 0:
                print("FAIL: seed %d, soft,%s: status %d: %s" % (seed, engine, done.returncode, done.stdout.strip()))
                print("\n".join(report))
                return False
            print("seed %d, soft,%s: %s" % (seed, engine, done.stdout.strip()), flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", required=True)
    parser.add_argument("--run-programs", required=True)
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    table = Table(args.table)
    end = time.monotonic() + args.seconds
    seed = args.seed
    while run_batch(table, args, seed):
        seed += 1
        if time.monotonic() >= end:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
