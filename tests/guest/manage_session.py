#!/usr/bin/env python3
"""What manage.sh does on its machine's console: manage_session.py PEARVISOR DIRECTORY first|second."""
import subprocess
import sys
import time

from console import Console, Failure, main

pearvisor, directory, step = sys.argv[1:]


def clocks(shell):
    """Of the guest, in seconds: since it booted, and by the wall."""
    return [float(clock) for clock in shell.run("cut -d' ' -f1 /proc/uptime; date +%s.%N").split()]


def manage(command):
    subprocess.run([pearvisor, command, "it"], check=True, timeout=60)


def check_pause(shell):
    """10 s that the guest does not see: not in its clocks, and not in a timer that was running."""
    shell.run("( (sleep 15; cut -d' ' -f1 /proc/uptime >/tmp/timer) & ); cut -d' ' -f1 /proc/uptime >/tmp/armed")
    before, start = clocks(shell), time.monotonic()
    manage("pause")
    time.sleep(10)
    manage("resume")
    after, took = clocks(shell), time.monotonic() - start
    for old, new in zip(before, after):
        if not 0 <= new - old < took - 9:
            raise Failure(f"a clock ran {new - old:.1f} s in {took:.1f} s, 10 of which were paused")
    shell.run("while ! [ -s /tmp/timer ]; do sleep 0.2; done")
    slept = float(shell.run("cat /tmp/timer")) - float(shell.run("cat /tmp/armed"))
    if not 14.9 < slept < 18:
        raise Failure(f"a sleep of 15 s took {slept} s")


def check_consoles(shell):
    """A second client sees what was said before it came."""
    shell.run("echo said-before-$((40 + 2))")
    second = Console(f"{directory}/console")
    second.expect("said-before-42")
    shell.send("echo said-to-both-$((40 + 2))")
    second.expect("said-to-both-42")
    shell.expect("said-to-both-42")


def first():
    shell = Console(f"{directory}/console")
    shell.login("root", "pear")
    check_consoles(shell)
    check_pause(shell)
    shell.run("head -c 3000000 /dev/urandom >/root/kept && md5sum /root/kept >/root/sums && sync")


def second():
    shell = Console(f"{directory}/console")
    shell.login("root", "pear")
    shell.run("md5sum -c /root/sums && journalctl -b -1 -n 200 | grep -q 'Power key pressed'")


main({"first": first, "second": second}[step])
