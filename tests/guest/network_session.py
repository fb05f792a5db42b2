#!/usr/bin/env python3
"""What network.sh does with its guests: network_session.py dhcp CAPTURE | machines PEARVISOR DIRECTORY."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from console import Console, Failure, main


def packets(path):
    """The frames of a capture in libpcap's format, which must end with a whole one."""
    data = open(path, "rb").read()
    magic, major, minor, _, _, snaplen, link = struct.unpack_from("<IHHIIII", data)
    if (magic, major, minor, link) != (0xA1B2C3D4, 2, 4, 1) or snaplen < 65535:
        raise Failure(f"{path}: no capture of Ethernet: {data[:24].hex()}")
    at, last = 24, 0
    while at < len(data):
        seconds, micro, captured, original = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + captured]
        if len(frame) != captured or captured != original or seconds + micro / 1e6 < last:
            raise Failure(f"{path}: a packet of {captured} bytes at {at} is not whole, or not in order")
        last = seconds + micro / 1e6
        if not time.time() - 600 < last <= time.time():
            raise Failure(f"{path}: a packet at {last}, now is {time.time()}")
        yield frame
        at += 16 + captured


def check_dhcp(path):
    """DHCP (RFC 2131): discover, offer, request, acknowledge."""
    kinds = []
    for frame in packets(path):
        if frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[34:36] in (b"\0\x43", b"\0\x44"):
            options = frame[42 + 240 :]
            while options and options[0] not in (53, 255):
                options = options[1:] if options[0] == 0 else options[2 + options[1] :]
            kinds.append(options[2])
    if [kind for i, kind in enumerate(kinds) if kinds[i - 1 : i] != [kind]][:4] != [1, 2, 3, 5]:
        raise Failure(f"{path}: DHCP messages {kinds}")


class Listener:
    """On the host's loopback; counts who came."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.came = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            client, _ = self.server.accept()
            self.came += 1
            client.sendall(b"from-the-host\n")
            client.close()


def free_port(kind):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask_tcp(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        return client.makefile().read()


def ask_udp(port):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        for _ in range(20):
            client.sendto(b"question\n", ("127.0.0.1", port))
            try:
                return client.recv(100).decode()
            except TimeoutError:
                pass
    return ""


def pearvisor(*words):
    return subprocess.run([sys.argv[2], *words], check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout


def forward(name, *words):
    return pearvisor("forward", name, *words)


def open_shell(name):
    shell = Console(f"{sys.argv[3]}/{name}/console")
    shell.expect(r"^shell-is-42\n")
    shell.send("echo and-listens-$((40 + 2))")
    shell.expect(r"^and-listens-42\n")
    return shell


def check_forwards(shell, name):
    """Added to a guest that runs, used, and removed."""
    tcp, udp = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    shell.run("nc -ll -p 80 -e echo from-%s >/dev/null 2>&1 & /udp_echo & sleep 0.5" % name)
    forward(name, "add", f"tcp:{tcp}-80")
    if (said := ask_tcp(tcp)) != f"from-{name}\n":
        raise Failure(f"{name} said '{said}'")
    forward(name, "add", f"udp:{udp}-53")
    if name != "alone" and (said := ask_udp(udp)) != "question\n":
        raise Failure(f"{name} said '{said}' by UDP")
    if forward(name) != f"tcp:127.0.0.1:{tcp}-80\nudp:127.0.0.1:{udp}-53\n":
        raise Failure(f"{name} has these forwards:\n{forward(name)}")
    forward(name, "remove", f"tcp:{tcp}-80")
    forward(name, "remove", f"udp:{udp}-53")
    try:
        raise Failure(f"a forward that was removed: {ask_tcp(tcp)}")
    except ConnectionRefusedError:
        pass


def check_way_out(shell, listener, is_open):
    came = listener.came
    said = shell.run(f"nc -w 3 10.0.2.2 {listener.port} </dev/null; :")
    if (said == "from-the-host\n") != is_open or listener.came - came != is_open:
        raise Failure(f"from the host's loopback: '{said}', {listener.came - came} connections")


def status(name):
    return json.loads(pearvisor("status", name, "--json"))


def check_names(a, b, alone):
    """Each by its name and by its address, and the isolated one neither knows nor is known."""
    address = status("b")["address"]
    if address == status("a")["address"]:
        raise Failure(f"both are {address}")
    if address not in (said := a.run("nslookup b.pearvisor.internal; ping -c 1 -W 5 b")):
        raise Failure(f"b is {address}, not:\n{said}")
    if (said := a.run("nc -w 5 b 80 </dev/null")) != "from-b\n":
        raise Failure(f"b said '{said}' to a")
    b.run("ping -c 1 -W 5 a && ping -c 1 -W 5 -s 1400 a")
    served = a.run("head -c 2000000 /dev/urandom >/tmp/file; httpd -p 8080 -h /tmp; md5sum </tmp/file")
    if (got := b.run("wget -q -O /tmp/got http://a:8080/file; md5sum </tmp/got")) != served:
        raise Failure(f"a served '{served}', b got '{got}'")
    alone.run(f"! ping -c 1 -W 1 b && ! ping -c 1 -W 1 {address}")
    a.run("! ping -c 1 -W 1 alone")


def check_processes(a, b):
    """One that is stopped is in nobody's way; one that is killed is not known any more, until it is started again."""
    address, pid = status("b")["address"], status("b")["pid"]
    os.kill(pid, signal.SIGSTOP)
    a.run(f"for i in 1 2 3 4 5 6 7 8; do ping -c 2 -s 1400 -W 1 {address} >/dev/null & done; sleep 2; ping -c 1 -W 5 10.0.2.2 && nslookup a.pearvisor.internal")
    os.kill(pid, signal.SIGCONT)
    b.run("ping -c 1 -W 5 a")
    os.kill(pid, signal.SIGKILL)
    a.run("! ping -c 1 -W 1 b")
    pearvisor("start", "b")
    b = open_shell("b")
    if status("b")["address"] != address:
        raise Failure(f"b was {address} and is {status('b')['address']}")
    a.run("ping -c 1 -W 5 b")


def machines():
    listener, shells = Listener(), {}
    for name in ("a", "b", "alone"):
        shells[name] = open_shell(name)
        check_way_out(shells[name], listener, name != "alone")
        check_forwards(shells[name], name)
    check_names(shells["a"], shells["b"], shells["alone"])
    check_processes(shells["a"], shells["b"])


if sys.argv[1] == "dhcp":
    main(lambda: check_dhcp(sys.argv[2]))
else:
    main(machines)
