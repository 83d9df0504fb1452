#!/usr/bin/env python3
"""UDP that is blocked, comes back and is gone for a while, in network namespaces of its own.

    run.py STT [unittest's arguments]

Two machines: namespaces that are joined by a pair of interfaces of 200 Mbit/s, 1 ms. What is
blocked is dropped where it comes in at the receiver's, by nftables. Nothing outside of these
namespaces is touched; they go with the last process in them.

As root the namespaces are root's; else they belong to a namespace of users, or, where the kernel
grants none, the test is run by sudo.
"""

import ctypes
import filecmp
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

RATE_MBIT = 200
SENDER, RECEIVER = "10.77.0.1", "10.77.0.2"
UDP_PORT, WEBSOCKET_PORT = 9001, 8080
TIMEOUT = 90


def run(*words, inside=()):
    subprocess.run([*inside, *words], check=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT)


class Machines:
    """The sender's namespace is this process's own; the receiver's is that of a process, the
    keeper. Whoever makes them calls end(), also when join() failed."""

    def __init__(self):
        # It ends when its input does, so with this program however that ends.
        self.keeper = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        self.inside = ["nsenter", f"--net=/proc/{self.keeper.pid}/ns/net", "--"]

    def join(self):
        own = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + TIMEOUT
        while os.readlink(f"/proc/{self.keeper.pid}/ns/net") == own:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far",
            "netns", str(self.keeper.pid))
        for inside, name, address in (([], "near", SENDER), (self.inside, "far", RECEIVER)):
            run("ip", "address", "add", f"{address}/24", "dev", name, inside=inside)
            run("ip", "link", "set", name, "up", inside=inside)
            run("ip", "link", "set", "lo", "up", inside=inside)
            # One large segment may be 64 KiB; 2 ms of queue above that.
            run("tc", "qdisc", "add", "dev", name, "root", "tbf", "rate", f"{RATE_MBIT}mbit",
                "burst", "128kb", "limit", "512kb", inside=inside)
        run("nft", "add table ip block; "
            "add chain ip block input { type filter hook input priority 0; }", inside=self.inside)

    def block(self, *protocols):
        for protocol in protocols:
            run("nft", f"add rule ip block input meta l4proto {protocol} drop",
                inside=self.inside)

    def unblock(self):
        run("nft", "flush chain ip block input", inside=self.inside)

    def end(self):
        # A namespace goes some time after its last process, and its interfaces with it; who
        # deletes one waits for both ends.
        if "near" in (name for _, name in socket.if_nameindex()):
            run("ip", "link", "delete", "near")
        self.keeper.communicate(timeout=TIMEOUT)


class Process:
    """Of the tool, with what it logs and when."""

    def __init__(self, arguments, inside=()):
        self.process = subprocess.Popen([*inside, STT, *map(str, arguments)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def text(self):
        return "\n".join(self.lines)

    def wait_for(self, pattern, count=1):
        deadline = time.monotonic() + TIMEOUT
        while len(re.findall(pattern, self.text())) < count:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} ({count}) in:\n{self.text()}")
            time.sleep(0.02)

    def wait(self):
        code = self.process.wait(TIMEOUT)
        self.thread.join(TIMEOUT)
        self.process.stdout.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


class Failover(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="stt-failover-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.seed = self.folder / "seed"
        run(STT, "seed", "new", self.seed)
        self.machines = Machines()
        self.addCleanup(self.machines.end)
        self.machines.join()
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.receiver = Process(["receive", "--seed", self.seed, self.inbox],
                                inside=self.machines.inside)
        self.addCleanup(self.receiver.kill)
        self.receiver.wait_for("listening on")

    def send(self, size_mb):
        self.source = self.folder / "file"
        with open(self.source, "wb") as file:
            piece = os.urandom(1 << 20)
            for number in range(size_mb):
                file.write(number.to_bytes(8, "big") + piece[8:])
        sender = Process(["send", "-v", "--seed", self.seed, self.source, RECEIVER])
        self.addCleanup(sender.kill)
        return sender

    def received(self):
        """Bytes of the file that have come so far."""
        return sum(path.stat().st_size for path in self.inbox.iterdir() if path.is_file())

    def wait_received(self, size):
        deadline = time.monotonic() + TIMEOUT
        while self.received() < size:
            assert time.monotonic() < deadline, f"{self.received()} of {size} bytes came"
            time.sleep(0.02)

    def assert_whole(self, sender):
        self.assertEqual(sender.wait(), 0, sender.text())
        self.assertTrue(filecmp.cmp(self.source, self.inbox / "file", shallow=False))
        self.assertNotIn("unreachable", sender.text())

    def test_udp_is_blocked_from_the_start(self):
        self.machines.block("udp")
        begun = time.monotonic()
        sender = self.send(20)
        self.assert_whole(sender)
        self.assertLess(time.monotonic() - begun, 15)

    def test_udp_is_blocked_in_the_middle_and_comes_back_then_all_is_gone_for_five_seconds(self):
        size_mb = 500
        sender = self.send(size_mb)
        self.wait_received(100 << 20)
        self.assertNotIn("WebSocket", sender.text())
        self.machines.block("udp")
        blocked = time.monotonic()
        sender.wait_for("goes on by a WebSocket")
        self.assertLess(time.monotonic() - blocked, 10)
        self.machines.unblock()
        sender.wait_for("goes on by UDP")
        self.assertLess(self.received(), size_mb << 20, "the file was too small for this test")
        self.machines.block("udp", "tcp")
        time.sleep(5)
        self.machines.unblock()
        self.assert_whole(sender)

    def test_nothing_but_tcp_ever_and_a_blackout_of_five_seconds(self):
        self.machines.block("udp")
        sender = self.send(60)
        self.wait_received(10 << 20)
        self.machines.block("tcp")
        time.sleep(5)
        self.machines.unblock()
        self.machines.block("udp")
        self.assert_whole(sender)


def enter_namespaces():
    """Runs this program again where it may make namespaces, in one of its own."""
    if os.environ.get("STT_FAILOVER_INSIDE"):
        return
    command = [sys.executable, "-B", *sys.argv]
    os.environ["STT_FAILOVER_INSIDE"] = "1"
    own = ["unshare", "--net"]
    if os.geteuid() != 0:
        as_user = ["unshare", "--user", "--map-root-user", "--net"]
        can = subprocess.run([*as_user, "true"], stderr=subprocess.DEVNULL, check=False)
        own = as_user if can.returncode == 0 else [
            "sudo", "--non-interactive", "--preserve-env=STT_FAILOVER_INSIDE", *own]
    os.execvp(own[0], [*own, *command])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    enter_namespaces()
    # Should this program be killed, what it started ends too.
    ctypes.CDLL(None).prctl(1, 9)
    STT = str(Path(sys.argv[1]).resolve())
    unittest.main(module=__name__, argv=[sys.argv[0], *sys.argv[2:]])
