#!/usr/bin/env python3
"""Logs in (root, pear) at the serial console of a machine that boots, runs each line of the standard input in its shell, shows
what they print, and ends: login_session.py SOCKET LOG. The last line is what ends the machine, such as poweroff."""
import sys

from console import Console, main


def session():
    console = Console(sys.argv[1], sys.argv[2])
    console.login("root", "pear", 600)
    *commands, last = sys.stdin.read().splitlines()
    for command in commands:
        print(f"$ {command}\n{console.run(command, 900)}", end="", flush=True)
    console.send(last)


main(session)
