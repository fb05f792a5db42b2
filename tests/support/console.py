"""Talks to a guest through a console that is a Unix socket: waits for text, types, runs commands in a shell."""
import re
import shlex
import socket
import sys
import time


class Failure(Exception):
    """What was waited for did not come; the message holds the last of what came instead."""


class Console:
    """What arrives is kept in `text`, from the point that the last expect() matched; `log` gets a copy of all of it."""

    def __init__(self, path, log=None, timeout=60):
        self.text = ""
        self.log = open(log, "ab") if log else None
        self.socket = socket.socket(socket.AF_UNIX)
        self.start = time.monotonic()
        while self.socket.connect_ex(path):
            if time.monotonic() > self.start + timeout:
                raise Failure(f"nobody listens at {path}")
            time.sleep(0.05)

    def expect(self, pattern, timeout=300):
        """Waits for the regular expression `pattern`, and returns its match."""
        deadline = time.monotonic() + timeout
        while not (match := re.search(pattern, self.text, re.MULTILINE)):
            self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise Failure(f"no '{pattern}' in {timeout} s after:\n{self.text[-2000:]}") from None
            if not data:
                raise Failure(f"the console closed before '{pattern}', after:\n{self.text[-2000:]}")
            if self.log:
                self.log.write(data)
                self.log.flush()
            self.text += data.decode(errors="replace").replace("\r", "")
        self.text = self.text[match.end():]
        return match

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def login(self, user, password, timeout=300):
        """From the prompt to a shell that neither echoes nor prompts, so that its output is a command's alone."""
        self.expect(r"login: ", timeout)
        self.send(user)
        self.expect(r"Password: ", timeout)
        self.send(password)
        self.expect(r"# ", timeout)
        self.send("exec sh")
        self.send("stty -echo; PS1=; PS2=; echo sh-is-$((40 + 2))")
        self.expect(r"sh-is-42\n", timeout)

    def run(self, command, timeout=300):
        """Runs a command in the shell of login(), and returns what it printed; it has to succeed."""
        self.send(f"eval {shlex.quote(command)} </dev/null; echo status $?") # one line: programs flush what is typed ahead
        match = self.expect(r"(?s)\A(.*?)^status (\d+)\n", timeout)
        output, status = match.group(1), int(match.group(2))
        if status:
            raise Failure(f"'{command}' exits with {status}:\n{output}")
        return output


def main(script):
    """Runs a script that uses this module, and reports a Failure as a test does."""
    try:
        script()
    except Failure as failure:
        sys.exit(f"FAIL: {failure}")
