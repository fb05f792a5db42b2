#!/usr/bin/env python3
"""What network.sh does with its guests: network_session.py dhcp CAPTURE | machines PEARVISOR DIRECTORY."""
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


def forward(name, *words):
    return subprocess.run([sys.argv[2], "forward", name, *words], check=True, timeout=60, capture_output=True, text=True).stdout


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


def machines():
    listener = Listener()
    for name in ("a", "alone"):
        shell = open_shell(name)
        check_way_out(shell, listener, name != "alone")
        check_forwards(shell, name)


if sys.argv[1] == "dhcp":
    main(lambda: check_dhcp(sys.argv[2]))
else:
    main(machines)
