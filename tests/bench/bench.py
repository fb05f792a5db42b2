"""What the benchmarks share: a guest's runs on PearVisor and on a peer, and their table.

PEARVISOR_PEER names a command that boots the same guest elsewhere:  $PEARVISOR_PEER run KERNEL INITRD DISK APPEND
with the serial console on stdout and CPUS, MEM and GPU (none or venus) in the environment. Without it, that column is left out."""
import math
import os
import statistics
import subprocess
import sys
import tempfile

top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
append = "console=ttyAMA0 rdinit=/init quiet"
cpus, memory = 2, "2G"


def guest_folder(name):
    return os.path.join(os.environ.get("PEARVISOR_CACHE", top + "/.cache"), "guests", name)


def make_guest(folder, suite, packages):
    subprocess.run([top + "/tools/guest", "suite", folder, suite], check=True, env=os.environ | {"EXTRA": packages})


def output(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace", **options).stdout


def on_pearvisor(guest, disk, *options):
    return output([top + "/pearvisor", "run", "--kernel", guest + "/kernel", "--initrd", guest + "/initrd", "--disk", disk,
                   "--append", append, "--cpus", str(cpus), "--memory", memory, "--display", "none", "--net", "off",
                   "--timeout", "900", *options])


def on_peer(peer, guest, disk, gpu="none"):
    environment = os.environ | {"CPUS": str(cpus), "MEM": memory, "TIMEOUT": "1800", "GPU": gpu}
    return output([*peer.split(), "run", guest + "/kernel", guest + "/initrd", disk, append], stderr=subprocess.DEVNULL,
                  env=environment)


def rounds(guest, runs, columns):
    """Runs the columns in turn: each is a function from a fresh disk to figures by name, or None. Lists of figures by column."""
    found = {name: [] for name in columns}
    with tempfile.TemporaryDirectory() as folder:
        disk = folder + "/disk"
        for n in range(runs):
            for name, run in columns.items():
                if not run:
                    continue
                subprocess.run(["cp", "--sparse=always", guest + "/disk", disk], check=True)
                print(f"\rrun {n + 1} of {runs}: {name}        ", end="", file=sys.stderr, flush=True)
                found[name].append(run(disk))
    print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    return found


def median(runs, name):
    found = [run[name] for run in runs if name in run]
    return statistics.median(found) if found else None


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def cell(value, digits=2):
    return f"{value:10.{digits}f}" if value is not None else " " * 9 + "-"
