"""What the end-to-end tests share: real processes on loopback, files, and bounded waits."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

STT = os.environ.get("STT_BINARY", "")
HOSTILE_SENDER = os.environ.get("STT_HOSTILE_SENDER", "")
EMULATOR = os.environ.get("STT_EMULATOR", "")
IS_SANITIZED = os.environ.get("STT_SANITIZED", "") != ""

# Nothing here may take longer, also on a machine that is busy with other things.
TIMEOUT = 60

# What the tool documents; docs/guide/cli.md.
OK, FAILED, USAGE, SEED_FILE, NETWORK, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


class Ended:
    """A process that has ended."""

    def __init__(self, code, output, errors):
        self.code, self.output, self.errors = code, output, errors

    def error_lines(self):
        return [line for line in self.errors.splitlines() if line.startswith("stt: ")]


class Running:
    """A stt process whose output is collected while it runs."""

    def __init__(self, arguments, stdin=None, prefix=(), binary_output=False):
        self.process = subprocess.Popen([*prefix, STT, *map(str, arguments)],
                                        stdin=stdin or subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.output, self.errors = bytearray(), bytearray()
        self.binary_output = binary_output
        self.threads = [threading.Thread(target=self._collect, args=pair, daemon=True) for pair in
                        ((self.process.stdout, self.output), (self.process.stderr, self.errors))]
        for thread in self.threads:
            thread.start()
        self.memory_peak = 0  # bytes

    @staticmethod
    def _collect(stream, into):
        while data := stream.read1(1 << 16):
            into += data

    def wait_for(self, pattern, where="output"):
        """The match of `pattern` in what the process printed so far."""
        def find():
            found = re.search(pattern, getattr(self, where).decode(errors="replace"))
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"ended before {pattern!r}: {self.errors.decode()}")
            return found
        return wait_until(find, f"{pattern!r} in the {where} of stt")

    def wait(self, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            self._measure_memory()
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"still running after {timeout} s: {self.errors.decode()}")
            time.sleep(0.005)
        for thread in self.threads:
            thread.join(TIMEOUT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        output = bytes(self.output) if self.binary_output else self.output.decode()
        return Ended(self.process.returncode, output, self.errors.decode())

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        self.process.kill()
        return self.wait()

    def _measure_memory(self):
        # Not wait4()'s ru_maxrss: that begins with what Python had when it forked.
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return
        if found := re.search(r"VmHWM:\s+(\d+) kB", status):
            self.memory_peak = int(found[1]) * 1024


class Emulator:
    """A path with qualities of its own, in front of the server at `target`."""

    def __init__(self, target, *settings, seed=1):
        self.process = subprocess.Popen(
            [EMULATOR, target, f"seed={seed}", "seconds=300", *settings], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.address = self._line().removeprefix("listening on ")

    def _line(self):
        return self.process.stdout.readline().strip()

    def tell(self, line):
        """A command of the emulator; tests/e2e/emulator/main.cpp."""
        self.process.stdin.write(line + "\n")
        answer = self._line()
        if not answer.startswith("ok"):
            raise AssertionError(f"{line!r}: {answer!r}")
        return answer.removeprefix("ok").strip()

    def counters(self):
        """What became of the datagrams: {"up": {"offered": …}, "down": …}."""
        directions = (half.split(":") for half in self.tell("statistics").split(";"))
        return {name.strip(): {key: int(value) for key, value in
                               (word.split("=") for word in words.split())}
                for name, words in directions}

    def end(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


def wait_until(condition, what, timeout=TIMEOUT):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.005)
    raise AssertionError(f"waited {timeout} s for {what}")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_random(path, size, seed=0):
    """Content that no compression and no hole shortens, made fast, the same for a seed."""
    block = hashlib.shake_128(str(seed).encode()).digest(1 << 20)
    with open(path, "wb") as file:
        for number in range(0, size, len(block)):
            piece = number.to_bytes(8, "big") + block[8:]
            file.write(piece[:size - number])


def describe(folder):
    """Everything below a folder, so that two can be compared."""
    result = {}
    for path in sorted(Path(folder).rglob("*")):
        name, status = str(path.relative_to(folder)), path.lstat()
        if path.is_symlink():
            result[name] = ("link", os.readlink(path), status.st_mtime_ns)
        elif path.is_dir():
            result[name] = ("folder", status.st_mode, status.st_mtime_ns)
        else:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            result[name] = ("file", status.st_mode, status.st_mtime_ns, status.st_size, digest)
    return result


class Case(unittest.TestCase):
    """A test with a folder, a seed and a port of its own."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="stt-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.seed = self.folder / "seed"
        self.assertEqual(self.run_stt("seed", "new", self.seed).code, OK)
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.port = free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.path_target = self.target  # where a client sends to

    def start(self, *arguments, **options):
        running = Running(arguments, **options)
        self.addCleanup(self._end, running)
        return running

    @staticmethod
    def _end(running):
        if running.process.returncode is None:
            running.kill()

    def run_stt(self, *arguments, timeout=TIMEOUT, **options):
        return self.start(*arguments, **options).wait(timeout)

    def emulate(self, *settings, **options):
        """Puts a path in front of the receiver: from here on, send and connect go over it."""
        emulator = Emulator(self.target, *settings, **options)
        self.addCleanup(emulator.end)
        self.path_target = emulator.address
        return emulator

    def receive(self, *options, inbox=None, websocket="off", **more):
        running = self.start("receive", "--seed", self.seed, "--listen", self.target,
                             "--websocket", websocket, *options, inbox or self.inbox, **more)
        running.wait_for("listening on")
        return running

    def start_send(self, *paths, options=()):
        return self.start("send", "--seed", self.seed, "-v", *options, *paths,
                          self.path_target)

    def send(self, *paths, options=()):
        return self.start_send(*paths, options=options).wait()

    def content_sent(self, ended):
        """Bytes of content that a sender says it sent, and that it could skip."""
        found = re.search(r"content bytes sent: (\d+), skipped: (\d+)", ended.errors)
        self.assertIsNotNone(found, ended.errors)
        return int(found[1]), int(found[2])

    def assert_one_line(self, ended, code, pattern):
        """An error is one line, and it says what to do."""
        self.assertEqual(ended.code, code, ended.errors)
        lines = ended.error_lines()
        self.assertEqual(len(lines), 1, ended.errors)
        self.assertRegex(lines[0], pattern)

    def part_size(self, inbox=None):
        sizes = [path.stat().st_size for path in (inbox or self.inbox).rglob(".*.stt-part")]
        return sum(sizes)

    def wait_for_part(self, size):
        wait_until(lambda: self.part_size() >= size, f"a part of {size} bytes")
