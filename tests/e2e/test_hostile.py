"""Senders that hold the seed and attack the receiver's files."""

import subprocess

from support import HOSTILE_SENDER, OK, Case


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.outside = self.folder / "outside"
        self.outside.mkdir()
        (self.outside / "victim").write_text("safe")
        self.receiver = self.receive()

    def attack(self, name):
        ended = subprocess.run([HOSTILE_SENDER, str(self.seed), str(self.port), name], timeout=30,
                               capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assert_unharmed()
        return ended.stdout

    def assert_unharmed(self):
        self.assertEqual([path.name for path in self.outside.iterdir()], ["victim"])
        self.assertEqual((self.outside / "victim").read_text(), "safe")
        self.assertEqual({path.name for path in self.folder.iterdir()},
                         {"seed", "inbox", "outside"})
        # It still serves.
        self.assertIsNone(self.receiver.process.poll())
        self.assertEqual(self.send(self.seed).code, OK)
        self.assertNotIn("\x1b", self.receiver.errors.decode())

    def test_names_that_leave(self):
        self.assertEqual(self.attack("names"), "refused 56 of 56\n")
        self.assertEqual([path.name for path in self.inbox.iterdir()], ["seed"])

    def test_links_that_leave(self):
        (self.inbox / "planted").symlink_to(self.outside)
        self.assertEqual(self.attack("links"), "refused 8 of 10\n")

    def test_broken_protocol(self):
        for name in ("garbage", "large-record", "too-many-offers", "more-content", "large-hole",
                     "early-end"):
            with self.subTest(attack=name):
                self.assertEqual(self.attack(name), "ended by the receiver\n")

    def test_declared_sizes_cost_nothing(self):
        self.attack("declared-size")
        usage = (self.inbox / "seed").stat().st_size
        self.assertEqual(usage, 65)
        self.assertLess(sum(path.stat().st_blocks for path in self.inbox.iterdir()), 100)
