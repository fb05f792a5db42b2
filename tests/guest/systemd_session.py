#!/usr/bin/env python3
"""What systemd.sh types into its guest: systemd_session.py first|second."""
import os
import socket
import subprocess
import sys
import time
import urllib.request

from console import Console, Failure, main

work, port = os.environ["WORK"], int(os.environ["PORT"])


def timed(text):
    print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)


def consoles():
    """The first log in comes at different times on the two; both have to be read all along."""
    return Console(f"{work}/ttyAMA0", f"{work}/ttyAMA0.log"), Console(f"{work}/hvc0", f"{work}/hvc0.log")


def check_system(shell):
    state = shell.run("systemctl is-system-running --wait || systemctl --failed").strip()
    if state != "running":
        raise Failure(f"systemd is not content: {state}")
    timed("systemd: running, no failed unit")
    shell.run("[ $(cat /proc/1/comm) = systemd ] && loginctl list-sessions | grep -q root")
    shell.run("busctl status org.freedesktop.login1 >/dev/null && udevadm settle && [ -e /dev/disk/by-diskseq ]")
    shell.run("test -z \"$(dpkg --audit)\" && dpkg --verify systemd dpkg libc6 bash")


def check_network(shell):
    shell.run("networkctl --no-pager status | grep -F 10.0.2.15")
    timed("DHCP: 10.0.2.15")
    shell.run("resolvectl --no-pager status | grep -F 10.0.2.3")
    proxy = subprocess.run(["apt-config", "dump", "--format=%v", "Acquire::http::Proxy"], capture_output=True, text=True)
    if proxy.stdout:
        shell.run(f"echo 'Acquire::http::Proxy \"{proxy.stdout}\";' >/etc/apt/apt.conf.d/98proxy")
    shell.run("apt-get update 2>&1 && apt-cache policy hello | grep Candidate", 400)
    timed("apt-get update")
    shell.run("DEBIAN_FRONTEND=noninteractive apt-get install -y hello 2>&1 && hello | grep -F 'Hello, world!'", 400)
    timed("apt-get install")


def check_forward(shell):
    """The guest greets on its port 8000, and the host reaches it on 127.0.0.1."""
    shell.run("setsid sh -c 'while :; do echo guest-$(cat /proc/sys/kernel/hostname) | nc -N -l 8000; done' >/dev/null 2>&1 &")
    for attempt in range(100):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            if client.makefile().read() == "guest-pearvisor\n":
                timed("a forwarded port answers")
                return
        time.sleep(0.2)
    raise Failure("nothing answers on the forwarded port")


def first():
    serial, hvc = consoles()
    hvc.login("root", "pear")
    timed("login on hvc0")
    serial.expect("pearvisor login: ")
    timed("login prompt on ttyAMA0")
    check_system(hvc)
    check_network(hvc)
    check_forward(hvc)
    hvc.run("head -c 3000000 /dev/urandom >/root/kept && md5sum /root/kept >/root/sums")
    hvc.send("reboot")
    timed("reboot")
    serial.expect("pearvisor login: ")
    hvc.login("root", "pear")
    timed("login after the reboot")
    hvc.run("md5sum -c /root/sums")
    hvc.send("poweroff")


def second():
    serial, hvc = consoles()
    serial.login("root", "pear")
    timed("login on ttyAMA0 at the next boot")
    serial.run("md5sum -c /root/sums && hello >/dev/null")
    serial.send("reboot")


started = time.monotonic()
main({"first": first, "second": second}[sys.argv[1]])
