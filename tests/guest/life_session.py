#!/usr/bin/env python3
"""What life.sh does with its running machine: life_session.py PEARVISOR NAME SCREENSHOT. A pause of 10 s, which the guest's
clocks and its TCP connections do not see, and a screenshot, which has the pixels of the guest's framebuffer."""
import gzip
import select
import socket
import subprocess
import sys
import time

from console import Failure, main
from png import read_png

pearvisor, name, screenshot = sys.argv[1:]
PAUSED = 10  # s
CLOCKS = {0: "CLOCK_REALTIME", 1: "CLOCK_MONOTONIC", 7: "CLOCK_BOOTTIME"}
# clock_gettime() is system call 113 of ARM64.
READ_CLOCKS = r"""perl -e 'for (0, 1, 7) { my $t = "\0" x 16; syscall(113, $_, $t); printf "%d.%09d ", unpack("qq", $t) }'"""


def manage(*command):
    subprocess.run([pearvisor, *command], check=True, timeout=60)


def run(command):
    return subprocess.run([pearvisor, "ssh", name, command], check=True, timeout=120, capture_output=True,
                          stdin=subprocess.DEVNULL).stdout


def start(command):
    return subprocess.Popen([pearvisor, "ssh", name, command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class Line:
    """A connection to the guest that answers each line with one that begins with it. process: the ssh that serves it."""

    def __init__(self, what, process, reader, writer):
        self.what, self.process, self.reader, self.writer = what, process, reader, writer

    def say(self, line):
        self.writer.write(line.encode() + b"\n")
        self.writer.flush()

    def hears(self, seconds):
        return select.select([self.reader], [], [], seconds)[0] != []

    def hear(self, said):
        if not self.hears(30):
            raise Failure(f"{self.what}: no answer to '{said}'")
        answer = self.reader.readline().decode().split()
        if not answer or answer[0] != said:
            raise Failure(f"{self.what}: '{answer}' answers '{said}'")
        return [float(word) for word in answer[1:]]

    def ask(self, line):
        self.say(line)
        return self.hear(line)

    def close(self):
        self.writer.close()
        self.process.stdin.close()
        self.process.wait(30)


def from_host():
    ssh = start(f'while read -r line; do echo "$line $({READ_CLOCKS})"; done')
    return Line("from the host", ssh, ssh.stdout, ssh.stdin)


def from_guest():
    """A connection that the guest makes, to the host's loopback, which NAT has at 10.0.2.2."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        port = server.getsockname()[1]
        ssh = start(f"exec 3<>/dev/tcp/10.0.2.2/{port}; while read -r line <&3; do echo $line >&3; done")
        connection, _ = server.accept()
    both = connection.makefile("rwb", 0)
    return Line("from the guest", ssh, both, both)


def check_pause():
    lines = [from_host(), from_guest()]
    for line in lines:
        line.ask("before")
    before, start = lines[0].ask("before"), time.monotonic()
    manage("pause", name)
    for line in lines:
        line.say("meanwhile")
    time.sleep(PAUSED)
    if any(line.hears(0) for line in lines):
        raise Failure("a paused machine answers")
    manage("resume", name)
    after = [line.hear("meanwhile") for line in lines][0]
    took = time.monotonic() - start
    for clock, old, new in zip(CLOCKS.values(), before, after):
        print(f"{clock}: {new - old:.2f} s in {took:.2f} s")
        if not 0 < new - old < took - PAUSED + 0.5:
            raise Failure(f"{clock} ran {new - old:.2f} s in {took:.2f} s, {PAUSED} of which were paused")
    for line in lines:
        line.ask("after")
        line.close()


def check_screenshot():
    """Beside the login prompt, a line of ours; the cursor would blink."""
    run("printf '\\033[?25l\\033[1;31mlife\\033[32mlife' | sudo tee /dev/tty1 >/dev/null; sleep 1")
    manage("screenshot", name, screenshot)
    width, height, rows = read_png(screenshot)
    memory = gzip.decompress(run("sudo cat /dev/fb0 | gzip -1"))
    if len(memory) != width * height * 4:
        raise Failure(f"{width}x{height} pixels of a framebuffer of {len(memory)} bytes")
    for y in range(height):
        line = memory[y * width * 4:(y + 1) * width * 4]
        if [tuple(pixel) for pixel in rows[y]] != list(zip(line[2::4], line[1::4], line[0::4])):
            raise Failure(f"line {y} of the screenshot is another in the framebuffer")
    lit = {tuple(pixel) for row in rows for pixel in row}
    if not {(0, 0, 0), (170, 170, 170), (255, 85, 85), (85, 255, 85)} <= lit:
        raise Failure(f"the screen's colours are {sorted(lit)[:10]}")


def session():
    check_pause()
    check_screenshot()


main(session)
