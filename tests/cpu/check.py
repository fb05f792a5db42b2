#!/usr/bin/env python3
"""Compares the software CPU with qemu-aarch64, instruction form by form and in random programs.

    check.py --table FORMS.json --oracle ORACLE --run-cases RUN_CASES [options]

Every form of the instruction table is run with random operands on both, and the states are compared bit for bit.
Ends with a coverage report; a form without a test is a failure unless the table says why (test(none: reason)).
Differences that are QEMU's are listed in known.txt with their reasons.

Environment: PEARVISOR_QEMU_USER  the emulator, with its options   (qemu-aarch64 -cpu max,...)
             PEARVISOR_CPU_CASES  how much to run: few, normal (about a minute) or many (about ten)
"""

import argparse
import collections
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from forms import Table  # noqa: E402
from generate import Generator  # noqa: E402

AMOUNTS = {"few": 0.1, "normal": 1, "many": 10}
SKIPPED = 77  # what meson takes for "skipped"
HERE = os.path.dirname(os.path.abspath(__file__))
# Features that PearVisor does not have are switched off where QEMU lets us.
QEMU = "qemu-aarch64 -cpu max,sve=off,sme=off,pauth=off"


def read_known(path):
    """known.txt: form name, then the reason; blank lines and # comments."""
    known = {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            line = line.split("#")[0].strip()
            if line:
                name, _, reason = line.partition(" ")
                known[name] = reason.strip()
    return known


def disassemble(words):
    """objdump's text for each word, where there is an objdump; else nothing."""
    tool = shutil.which("aarch64-linux-gnu-objdump")
    if not tool or not words:
        return {}
    with tempfile.NamedTemporaryFile(suffix=".bin") as binary:
        binary.write(b"".join(word.to_bytes(4, "little") for word in words))
        binary.flush()
        text = subprocess.run([tool, "-D", "-b", "binary", "-m", "aarch64", binary.name],
                              capture_output=True, text=True, check=False).stdout
    lines = re.findall(r"^\s*[0-9a-f]+:\s+([0-9a-f]{8})\s+(.*)$", text, re.M)
    return {int(word, 16): " ".join(rest.split("//")[0].split()) for word, rest in lines}


def make_cases(table, args, only, known):
    generator = Generator(table, args.seed, known)
    counts = collections.Counter()
    scale = args.scale
    for form in table.forms:
        if form.untested is None and (not only or form.name in only):
            counts[form.name] = generator.form_cases(form, max(8, int(args.words * scale)), args.repeat)
    if not only:
        for _ in range(int(args.programs * scale)):
            generator.program_case(args.repeat)
        for form in table.forms:
            for _ in range(max(1, int(4 * scale)) if form.untested is None else 0):
                generator.foreign_case(form)
    return generator, counts


def run(args, cases):
    """All engines over the cases, beside one oracle: the lines of run_cases by engine, and what went wrong with
    running as such."""
    engines = args.engine.split(",")
    qemu = shlex.split(os.environ.get("PEARVISOR_QEMU_USER", QEMU))
    oracle = subprocess.Popen(qemu + [args.oracle, cases], stdout=subprocess.PIPE)
    pipes = [os.pipe() for _ in engines]
    tee = subprocess.Popen(["tee"] + ["/dev/fd/%d" % pipe[1] for pipe in pipes], stdin=oracle.stdout,
                           stdout=subprocess.DEVNULL, pass_fds=[pipe[1] for pipe in pipes])
    oracle.stdout.close()
    texts, runs = {}, []
    for engine, (reader, writer) in zip(engines, pipes):
        os.close(writer)
        text = tempfile.TemporaryFile("w+")
        texts[engine] = text
        runs.append(subprocess.Popen([args.run_cases, cases, engine], stdin=reader, stdout=text, stderr=subprocess.PIPE,
                                     text=True))
        os.close(reader)
    deadline = time.monotonic() + args.timeout * max(1, args.scale)
    problems = []
    threads = [threading.Thread(target=show_errors, args=(ours.stderr,)) for ours in runs]
    for thread in threads:
        thread.start()
    for engine, process in [*zip(engines, runs), ("tee", tee), ("the oracle", oracle)]:
        try:
            status = process.wait(max(0, deadline - time.monotonic()))
            if status not in ((0, 1) if process in runs else (0,)):
                problems.append("%s ended with %d" % (engine, status))
        except subprocess.TimeoutExpired:
            process.kill()
            problems.append("%s did not end within %d seconds (--keep the cases)" % (engine, args.timeout))
    for thread in threads:
        thread.join()
    for text in texts.values():
        text.seek(0)
    return {engine: text.read() for engine, text in texts.items()}, "; ".join(problems)


def show_errors(stream):
    """All but what the software CPU tells of every undefined instruction."""
    sys.stderr.writelines(line for line in stream if not line.startswith("pearvisor: "))


class Report:
    """What one engine's comparison said."""

    def __init__(self, engine, generator, table, counts, known):
        self.engine = engine
        self.generator, self.table, self.counts, self.known = generator, table, counts, known
        self.states = collections.Counter()
        self.failures = collections.Counter()
        self.executed = collections.Counter()
        self.details = collections.defaultdict(list)
        self.foreign = []

    def name_of(self, number):
        kind, form = self.generator.cases[number]
        return kind if kind in ("program", "foreign") else form.name

    def read(self, text):
        for line in text.splitlines():
            if line.startswith("result "):
                number, states, failures, executed = map(int, line.split()[1:])
                name = self.name_of(number)
                self.states[name] += states
                self.failures[name] += failures
                self.executed[name] += executed
            elif line.startswith("fail "):
                name = self.name_of(int(line.split()[1]))
                self.details[name].append([line])
            elif self.details:
                self.details[name][-1].append(line)

    def words(self, detail):
        return [int(word, 16) for word in detail[0].split("words")[1].split()]

    def show_failures(self, limit):
        for name, details in sorted(self.details.items()):
            if name in self.known or name == "foreign":
                continue
            print("\n%s, soft,%s: %d of %d states differ" % (name, self.engine, self.failures[name], self.states[name]))
            for detail in details[:limit]:
                words = self.words(detail)
                text = disassemble(words)
                print("  " + detail[0])
                for word in words:
                    print("    %08x  %s" % (word, text.get(word, "")))
                print("\n".join(detail[1:]))

    def wrongly_executed(self):
        """Words outside of the table that PearVisor executes all the same; QEMU calls them undefined."""
        return [detail for detail in self.details.get("foreign", [])
                if any(re.search(r"signal .* oracle 0+4 ", line) for line in detail)]

    def show_foreign(self):
        """Words that QEMU executes and the table does not have."""
        for detail in self.wrongly_executed():
            print("\nnot in the table, but executed: %08x\n%s" % (self.words(detail)[0], "\n".join(detail)))
        details = self.details.get("foreign", [])
        words = sorted({self.words(detail)[0] for detail in details})
        text = disassemble(words)
        names = collections.Counter(text.get(word, "?").split(" ")[0] for word in words)
        if names:
            print("\nQEMU has, the table has not: " +
                  ", ".join("%s (%d)" % (name, count) for name, count in sorted(names.items())))

    def show_coverage(self):
        tested = [form for form in self.table.forms if form.untested is None]
        print("\n%d forms: %d tested here, %d elsewhere" % (
            len(self.table.forms), len(tested), len(self.table.forms) - len(tested)))
        without = [form for form in tested if self.counts[form.name] == 0]
        never = [form for form in tested if self.counts[form.name] and not self.executed[form.name] and not form.ends]
        for form in without:
            print("NO TEST %s (%s)" % (form.name, form.where))
        for form in never:
            print("NEVER EXECUTED %s (%s): QEMU refuses every word" % (form.name, form.where))
        return without + [form for form in never if form.name not in self.known]


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", required=True, help="what isa.py --json printed")
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--run-cases", required=True)
    parser.add_argument("--engine", default="interp,eager" if platform.machine() == "x86_64" else "interp",
                        help="options of the software CPU, each compared on its own")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default="", help="forms, separated by commas")
    parser.add_argument("--words", type=int, default=250, help="words a form")
    parser.add_argument("--repeat", type=int, default=10, help="states a word")
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--show", type=int, default=2, help="failures shown in detail a form")
    parser.add_argument("--untested", action="store_true", help="list the forms that are tested elsewhere")
    parser.add_argument("--timeout", type=int, default=300, help="seconds that the cases may take")
    parser.add_argument("--keep", help="leave the file of cases here")
    args = parser.parse_args()
    amount = os.environ.get("PEARVISOR_CPU_CASES", "normal")
    if amount not in AMOUNTS:
        parser.error("PEARVISOR_CPU_CASES is %s, not one of %s" % (amount, ", ".join(AMOUNTS)))
    args.scale = AMOUNTS[amount]
    return args


def main():
    args = parse_arguments()
    qemu = shlex.split(os.environ.get("PEARVISOR_QEMU_USER", QEMU))[0]
    if not shutil.which(qemu):
        print("skipped: no %s (Debian: qemu-user)" % qemu)
        return SKIPPED
    table = Table(args.table)
    only = set(filter(None, args.only.split(",")))
    print("seed %d" % args.seed, flush=True)
    known = read_known(os.path.join(HERE, "known.txt"))
    generator, counts = make_cases(table, args, only, known)
    with tempfile.TemporaryDirectory() as work:
        cases = args.keep or os.path.join(work, "cases")
        generator.write(cases)
        texts, problem = run(args, cases)
    failed, wrong = set(), []
    for engine, text in texts.items():
        report = Report(engine, generator, table, counts, known)
        report.read(text)
        report.show_failures(args.show)
        failed |= {name + ":" + engine for name, count in report.failures.items()
                   if count and name not in known and name != "foreign"}
        wrong += report.wrongly_executed()
        print("\nsoft,%s: %d states of %d cases" % (engine, sum(report.states.values()), len(generator.cases)))
    report.show_foreign()
    uncovered = [] if only else report.show_coverage()
    if args.untested:
        for form in table.forms:
            if form.untested is not None:
                print("elsewhere %s: %s" % (form.name, form.untested))
    if failed:
        print("FAIL %d: %s" % (len(failed), " ".join(sorted(failed))))
    if problem:
        print("FAIL %s" % problem)
    return 1 if failed or uncovered or problem or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
