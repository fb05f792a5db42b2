#!/usr/bin/env python3
"""10,000 malformed messages on the control socket of a machine that runs: control_nonsense.py SOCKET DIRECTORY.
It answers each connection's next good request as before, and nothing in DIRECTORY changes."""
import json
import os
import random
import socket
import sys

MESSAGES, A_CONNECTION = 10000, 50
METHODS = ("version", "status", "stats", "subscribe", "stop", "pause", "resume", "reset", "screenshot", "clone", "disks", "disk_resize",
    "forwards", "forward_add", "forward_remove")
path, directory = sys.argv[1:]
rng = random.Random(20)


def request(method, params=None, **more):
    return json.dumps({"jsonrpc": "2.0", "method": method, "id": 1, **({} if params is None else {"params": params}), **more}).encode()


def junk(depth=0):
    """Any JSON."""
    kind = rng.randrange(7 if depth < 3 else 5)
    if kind == 5:
        return [junk(depth + 1) for _ in range(rng.randrange(4))]
    if kind == 6:
        return {rng.choice(("path", "force", "timeout", "forward", "x", "")): junk(depth + 1) for _ in range(rng.randrange(4))}
    return rng.choice((None, True, -1, 1e308, 2**70, "", "\0", "../../x", "\ud800", "tcp:1-1", "x" * rng.randrange(300)))


def malformed_json():
    """Requests with bytes changed or missing: whatever is still one that would do something is left out."""
    while True:
        text = bytearray(request(rng.choice(METHODS), {"path": f"{directory}/shot.png"}))
        for _ in range(rng.randrange(1, 8)):
            text[rng.randrange(len(text))] = rng.randrange(256)
        text = bytes(text[: rng.randrange(1, len(text) + 1)]).replace(b"\n", b"")
        try:
            value = json.loads(text)
        except ValueError:
            return text
        if not isinstance(value, dict):
            return text


def wrong_request():
    method = rng.choice(METHODS)
    return rng.choice((
        lambda: request(method, {"unknown": junk()}),
        lambda: request(method, [junk()]),
        lambda: request(method, jsonrpc="1.0"),
        lambda: request(method, id=[junk()]),
        lambda: request(method + rng.choice(("s", "\0", " ", "é")), {}),
        lambda: request(rng.choice(({}, [], 7, None)), {}),
        lambda: request("screenshot", {"path": rng.choice((1, "", "shot.png", "../shot.png", f"{directory}/a\0b", None, junk()))}),
        lambda: request("clone", {"path": rng.choice((1, "", "new", "/", "/tmp", directory, os.path.dirname(path), f"{path}/x", junk()))}),
        lambda: request("disk_resize", {"path": rng.choice((1, "/", path, f"{directory}/image", junk())), "size": rng.choice((0, -1, 1 << 40, "1"))}),
        lambda: request("stop", {"timeout": rng.choice((-1, 1e99, "1", []))}),
        lambda: request("stop", {"force": rng.choice((1, "true", {}))}),
        lambda: request("forward_add", {"forward": rng.choice(("", "tcp:", "tcp:1-", "udp:0-1", "tcp:1.2.3:1-1", "x" * 9000, 7))}),
        lambda: request("forward_remove", {"forward": rng.choice(("", "tcp:1-1", [], None))}),
        lambda: json.dumps([junk() for _ in range(rng.randrange(80))]).encode(),
        lambda: b"[" * rng.randrange(1, 300) + b"]" * rng.randrange(300),
        lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(200))).replace(b"\n", b""),
    ))()


def listing():
    return sorted((os.path.join(root, name), os.lstat(os.path.join(root, name)).st_mtime_ns)
        for root, _, names in os.walk(directory) for name in names)


def expect_status(client):
    """The answer to a good request, after whatever was said to the bad ones."""
    client.sendall(request("status", id="good") + b"\n")
    received = b""
    while b'"id":"good"' not in received:
        part = client.recv(65536)
        if not part:
            sys.exit("FAIL: the connection ended before an answer")
        received = received[-100:] + part
        state = received.rfind(b'"state"')
    if state >= 0 and b'"running"' not in received[state : state + 30]:
        sys.exit(f"FAIL: the machine is not as it was: {received[state:state + 100]}")


before = listing()
for first in range(0, MESSAGES, A_CONNECTION):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        for _ in range(A_CONNECTION):
            client.sendall(rng.choice((malformed_json, wrong_request))() + b"\n")
        expect_status(client)
with socket.socket(socket.AF_UNIX) as client:  # a line without end is the end of its connection alone
    client.settimeout(20)
    client.connect(path)
    try:
        while True:
            client.sendall(b"x" * 65536)
    except OSError:
        pass
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(20)
    client.connect(path)
    expect_status(client)
if listing() != before:
    sys.exit(f"FAIL: files changed: {set(listing()) ^ set(before)}")
