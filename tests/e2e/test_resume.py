"""Transfers that are cut off, and go on where they stopped."""

import signal
import time

from support import INCOMPLETE, INTERRUPTED, OK, Case, write_random

SIZE = 400_000_000
PART = 40_000_000


class Resume(Case):
    def setUp(self):
        super().setUp()
        self.source = self.folder / "big"
        write_random(self.source, SIZE)

    def assert_resumes(self):
        """Sends again, and looks whether the part was of use."""
        kept = self.part_size()
        self.assertGreaterEqual(kept, PART)
        ended = self.send(self.source)
        self.assertEqual(ended.code, OK, ended.errors)
        sent, skipped = self.content_sent(ended)
        self.assertEqual(sent + skipped, SIZE)
        self.assertGreaterEqual(skipped, kept)
        with open(self.source, "rb") as a, open(self.inbox / "big", "rb") as b:
            while piece := a.read(1 << 22):
                self.assertEqual(piece, b.read(1 << 22))
            self.assertEqual(b.read(1), b"")
        self.assertEqual(self.part_size(), 0)

    def test_a_killed_sender(self):
        self.receive()
        sender = self.start_send(self.source)
        self.wait_for_part(PART)
        self.assertEqual(sender.kill().code, -signal.SIGKILL)
        self.assert_resumes()

    def test_a_killed_receiver(self):
        receiver = self.receive()
        sender = self.start_send(self.source, options=("--timeout", "3"))
        self.wait_for_part(PART)
        receiver.kill()
        self.assert_one_line(sender.wait(), INCOMPLETE, "ended early.*again to resume")
        self.receive()
        self.assert_resumes()

    def test_ctrl_c_at_the_sender(self):
        """transfer §7.1: a session that a person stopped closes with 256."""
        receiver = self.receive()
        sender = self.start_send(self.source)
        self.wait_for_part(PART)
        sender.interrupt()
        self.assert_one_line(sender.wait(10), INTERRUPTED, "run the same command again to resume")
        # The receiver hears of it at once, and goes on serving.
        receiver.wait_for("the sender was interrupted.*resume", "errors")
        self.assert_resumes()

    def test_ctrl_c_at_the_receiver(self):
        receiver = self.receive()
        sender = self.start_send(self.source)
        self.wait_for_part(PART)
        receiver.interrupt()
        self.assert_one_line(sender.wait(10), INCOMPLETE, "the receiver was stopped.*to resume")
        self.assert_one_line(receiver.wait(10), INTERRUPTED, "resume when they are sent again")
        self.receive()
        self.assert_resumes()

    def test_a_receiver_that_pauses(self):
        receiver = self.receive()
        sender = self.start_send(self.source)
        self.wait_for_part(PART)
        receiver.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        receiver.process.send_signal(signal.SIGCONT)
        ended = sender.wait()
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertEqual(self.content_sent(ended), (SIZE, 0))
