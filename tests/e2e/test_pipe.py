"""stt pipe and stt ping."""

import json
import os
import re
import signal
import subprocess

from support import INTERRUPTED, OK, Case, wait_until, write_random

SIZE = 50_000_000


class Pipe(Case):
    def listen(self, stdin=None):
        running = self.start("pipe", "--seed", self.seed, "--listen", self.target, "--websocket",
                             "off", stdin=stdin, binary_output=True)
        running.wait_for("listening on", "errors")
        return running

    def connect(self, stdin=None):
        return self.start("pipe", "--seed", self.seed, self.path_target, stdin=stdin,
                          binary_output=True)

    def file(self, name, seed):
        path = self.folder / name
        write_random(path, SIZE, seed)
        return path

    def test_both_directions_at_once_from_files(self):
        there, back = self.file("there", 1), self.file("back", 2)
        with open(back, "rb") as a, open(there, "rb") as b:
            listener = self.listen(a)
            connector = self.connect(b)
            at_connector, at_listener = connector.wait(), listener.wait()
        self.assertEqual((at_connector.code, at_listener.code), (OK, OK), at_listener.errors)
        self.assertTrue(at_listener.output == there.read_bytes())
        self.assertTrue(at_connector.output == back.read_bytes())

    def test_half_close(self):
        # One direction ends at once; the other goes on long after.
        listener = self.listen()
        connector = self.connect(subprocess.PIPE)
        for number in range(5):
            connector.process.stdin.write(b"%d\n" % number)
            connector.process.stdin.flush()
            wait_until(lambda: listener.output.endswith(b"%d\n" % number), "a line")
        connector.process.stdin.close()
        self.assertEqual(connector.wait().code, OK)
        self.assertEqual(listener.wait().code, OK)

    def test_end_reaches_the_reader_while_the_other_direction_is_open(self):
        listener = self.listen(subprocess.PIPE)
        connector = self.connect(subprocess.DEVNULL)
        # The listener's standard output ends although its input is open.
        listener.threads[0].join(20)
        self.assertFalse(listener.threads[0].is_alive())
        listener.process.stdin.write(b"late answer")
        listener.process.stdin.close()
        listener.process.stdin = None
        ended = connector.wait()
        self.assertEqual((ended.code, ended.output), (OK, b"late answer"))
        self.assertEqual(listener.wait().code, OK)

    def test_an_outage_and_a_new_address_do_not_break_it(self):
        emulator = self.emulate("delay_ms=5")
        listener, connector = self.listen(subprocess.PIPE), self.connect(subprocess.PIPE)

        def exchange(text):
            for side, other in ((connector, listener), (listener, connector)):
                side.process.stdin.write(text)
                side.process.stdin.flush()
                wait_until(lambda: other.output.endswith(text), "what was sent")
        exchange(b"before")
        emulator.tell("blackout 6000")
        connector.process.stdin.write(b"during")
        connector.process.stdin.flush()
        connector.wait_for("does not answer", "errors")
        emulator.tell("rebind address")
        connector.wait_for("answers again", "errors")
        wait_until(lambda: listener.output.endswith(b"during"), "what was sent meanwhile")
        exchange(b"after")
        for side in (connector, listener):
            side.process.stdin.close()
            side.process.stdin = None
        self.assertEqual((connector.wait().code, listener.wait().code), (OK, OK))

    def test_a_killed_listener_leaves_a_connector_that_can_be_interrupted(self):
        listener = self.listen()
        with open("/dev/zero", "rb") as endless:
            connector = self.connect(endless)
            wait_until(lambda: listener.output, "output")
            listener.kill()
            connector.interrupt()
            self.assertEqual(connector.wait().code, INTERRUPTED)

    def test_output_that_cannot_be_written_is_told_to_both(self):
        with open("/dev/full", "wb") as full, open("/dev/zero", "rb") as endless:
            listener = subprocess.Popen(
                [os.environ["STT_BINARY"], "pipe", "--seed", str(self.seed), "--listen",
                 self.target, "--websocket", "off"], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
            self.addCleanup(listener.kill)
            self.assertIn(b"listening", listener.stderr.readline())
            connector = self.connect(endless)
            ended = connector.wait()
            errors = listener.communicate(timeout=20)[1]
        self.assertNotEqual(ended.code, OK)
        self.assertEqual(len(ended.error_lines()), 1, ended.errors)
        self.assertEqual(listener.returncode, 1)
        self.assertRegex(errors.decode(), "^stt: cannot write standard output: No space left")

    def test_a_listener_that_is_pinged_first_still_waits(self):
        listener = self.listen()
        self.assertEqual(self.run_stt("ping", "--seed", self.seed, "-c", "1", self.target).code, OK)
        self.assertEqual(self.connect().wait().code, OK)
        self.assertEqual(listener.wait().code, OK)

    def test_ctrl_c(self):
        listener = self.listen(subprocess.PIPE)
        connector = self.connect(subprocess.PIPE)
        connector.process.stdin.write(b"x")
        connector.process.stdin.flush()
        wait_until(lambda: listener.output == b"x", "the pipe to stand")
        connector.process.send_signal(signal.SIGTERM)
        self.assert_one_line(connector.wait(10), 143, "interrupted")
        ended = listener.wait(10)
        self.assertNotEqual(ended.code, OK)
        self.assertEqual(len(ended.error_lines()), 1, ended.errors)


class Ping(Case):
    def test_ping(self):
        self.receive()
        ended = self.run_stt("ping", "--seed", self.seed, "-c", "3", "-i", "0.05", self.target)
        self.assertEqual(ended.code, OK, ended.errors)
        lines = ended.output.splitlines()
        self.assertRegex(lines[0], r"^handshake with .*: \d+\.\d+ ms$")
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[4], r"^3 of 3 answered, min/avg/max [\d.]+/[\d.]+/[\d.]+ ms$")

    def test_statistics_and_a_trace(self):
        self.receive()
        traces = self.folder / "traces"
        traces.mkdir()
        ended = self.run_stt("ping", "--seed", self.seed, "-c", "2", "-i", "0.05", "-v", "--qlog",
                             traces, self.target)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertRegex(ended.output, r"frames: \d+ sent, \d+ received, 0 lost, 0 dropped")
        (trace,) = traces.iterdir()
        records = trace.read_bytes().split(b"\x1e")[1:]
        self.assertIn("qlog_version", json.loads(records[0]))
        self.assertGreater(len([json.loads(record) for record in records]), 10)

    def test_ipv6_and_names(self):
        receiver = self.start("receive", "--seed", self.seed, "--listen", "[::]:0", self.inbox)
        port = receiver.wait_for(r"listening on \[::\]:(\d+)")[1]
        for host in ("[::1]", "127.0.0.1", "localhost"):
            with self.subTest(host=host):
                ended = self.run_stt("ping", "--seed", self.seed, "-c", "1", f"{host}:{port}")
                self.assertEqual(ended.code, OK, ended.errors)

    def test_ctrl_c_ends_it_with_the_summary(self):
        self.receive()
        ping = self.start("ping", "--seed", self.seed, "-c", "100", "-i", "0.1", self.target)
        ping.wait_for(r"\n2: ")
        ping.interrupt()
        ended = ping.wait(10)
        self.assertEqual(ended.code, INTERRUPTED)
        self.assertTrue(re.search("answered", ended.output), ended.output)
