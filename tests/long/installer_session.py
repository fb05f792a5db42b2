#!/usr/bin/env python3
"""Watches Debian's installer on a serial console: installer_session.py SOCKET LOG. Exit status 0: it has come to its end; 77: it has
reached the mirror over the network, which has no components for it; 1: anything else."""
import sys

from console import Console, main


def session():
    console = Console(sys.argv[1], sys.argv[2])
    console.expect("Configuring the network with DHCP", 600)
    console.expect("Checking the Debian archive mirror", 300)
    end = console.expect(r"Power down|reboot: |failed to download a file|No kernel modules were found", 14000).group(0)
    if "failed" in end or "No kernel" in end:
        print(f"the installer booted by firmware and reached the mirror, which has no components for it ('{end}')")
        sys.exit(77)


main(session)
