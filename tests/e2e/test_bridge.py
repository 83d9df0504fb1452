"""Nodes of one transport each, and stt bridge between them."""

import re
import signal

from support import INTERRUPTED, OK, Case, Running, write_random


class Bridges(Case):
    def bridge(self, *arguments):
        bridge = Running(["bridge", "--listen", "127.0.0.1:0", *arguments])
        self.addCleanup(lambda: bridge.process.poll() is None and bridge.kill())
        return bridge, bridge.wait_for(r"bridging (?:ws://)?(\S+) ")[1]

    def receiver(self, *arguments):
        receiver = Running(["receive", "--seed", self.seed, "--once", *arguments, self.inbox])
        self.addCleanup(lambda: receiver.process.poll() is None and receiver.kill())
        return receiver, receiver.wait_for(r"listening on (?:ws://)?([\d.]+:\d+)")[1]

    def assert_arrives(self, receiver, bridge, *target):
        source = self.folder / "file"
        write_random(source, 30_000_000)
        sender = Running(["send", "--seed", self.seed, source, *target]).wait()
        self.assertEqual(sender.code, OK, sender.errors)
        self.assertEqual(receiver.wait().code, OK)
        self.assertEqual(source.read_bytes(), (self.inbox / "file").read_bytes())
        bridge.process.send_signal(signal.SIGINT)
        ended = bridge.wait()
        self.assertEqual(ended.code, INTERRUPTED)
        self.assertTrue(re.search(r"clients: \d now, 1 served, 0 refused", ended.output),
                        ended.output)

    def test_a_sender_by_websocket_reaches_a_receiver_by_udp(self):
        receiver, address = self.receiver("--listen", "127.0.0.1:0", "--websocket", "off")
        bridge, here = self.bridge(address)
        self.assert_arrives(receiver, bridge, f"ws://{here}")

    def test_a_sender_by_udp_reaches_a_receiver_by_websocket(self):
        receiver, address = self.receiver("--listen", "off", "--websocket", "127.0.0.1:0")
        bridge, here = self.bridge(f"ws://{address}")
        self.assert_arrives(receiver, bridge, "--websocket", "off", here)

    def test_a_target_that_is_none_is_a_wrong_command_line(self):
        ended = Running(["bridge", "http://example.org"]).wait()
        self.assertEqual(ended.code, 2)
        self.assertEqual(len(ended.error_lines()), 1)
