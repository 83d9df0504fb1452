"""What goes wrong, and how the tool says so."""

import os
import re
import shutil
import subprocess

from support import INCOMPLETE, NETWORK, OK, SEED_FILE, STT, USAGE, Case, write_random


class Errors(Case):
    def test_usage(self):
        for arguments in ((), ("nonsense",), ("send",), ("seed",), ("send", "--seed", "x", "y"),
                          ("ping", "--seed", self.seed, "-c", "0", "h:1"), ("receive", "."),
                          ("pipe", "--seed", self.seed),
                          ("pipe", "--seed", self.seed, "--listen", "[::1]:1", "h:1"),
                          ("send", "--seed", self.seed, self.seed, "host:0"),
                          ("send", "--seed", self.seed, "/no/such/file", "host:1"),
                          ("send", "--seed", self.seed, "/dev/null", "host:1"),
                          ("receive", "--seed", self.seed, "/no/such/folder"),
                          ("receive", "--seed", self.seed, "--listen", "nonsense", self.inbox),
                          ("web", "--seed", self.seed), ("web", "--seed", self.seed, self.inbox, "x")):
            with self.subTest(arguments=arguments):
                self.assert_one_line(self.run_stt(*arguments), USAGE, "^stt: .{20}")

    def test_help_at_every_level_and_version(self):
        for command in ((), ("seed",), ("seed", "new"), ("seed", "show"), ("send",), ("receive",),
                        ("pipe",), ("ping",), ("web",)):
            ended = self.run_stt(*command, "--help")
            self.assertEqual(ended.code, OK)
            self.assertRegex(ended.output, r"Examples?:\n  stt ")
            self.assertEqual(ended.errors, "")
        self.assertRegex(self.run_stt("--version").output, r"^stt \d+\.\d+\.\d+")

    def test_seed_files(self):
        text = self.seed.read_text()
        self.assertRegex(text, r"^[0-9a-f]{64}\n$")
        self.assertEqual(self.seed.stat().st_mode & 0o7777, 0o600)
        self.assert_one_line(self.run_stt("seed", "new", self.seed), SEED_FILE, "already there")
        self.assertEqual(self.seed.read_text(), text)
        shown = self.run_stt("seed", "show", self.seed)
        self.assertEqual(shown.code, OK)
        self.assertTrue(shown.output.startswith(text))
        self.assertIn("█", shown.output)

        commands = (("seed", "show", self.seed), ("receive", "--seed", self.seed, self.inbox),
                    ("send", "--seed", self.seed, self.inbox, "127.0.0.1:1"),
                    ("ping", "--seed", self.seed, "127.0.0.1:1"),
                    ("pipe", "--seed", self.seed, "127.0.0.1:1"))
        states = ((lambda: self.seed.chmod(0o644), f"chmod 600 '{self.seed}'"),
                  (lambda: self.seed.chmod(0o610), f"chmod 600 '{self.seed}'"),
                  (lambda: (self.seed.chmod(0o600), self.seed.write_text("a passphrase")),
                   "passphrase is not a seed"),
                  (lambda: self.seed.unlink(), "stt seed new"),
                  (lambda: self.seed.mkdir(), "is a folder"))
        for change, pattern in states:
            change()
            for command in commands:
                with self.subTest(command=command, pattern=pattern):
                    self.assert_one_line(self.run_stt(*command), SEED_FILE, re.escape(pattern))

    def test_a_seed_is_never_an_argument(self):
        # A secret in argv is everyone's to read: CVE-2023-43621.
        seed = self.seed.read_text().strip()
        self.assert_one_line(self.run_stt("ping", "--seed", seed, "127.0.0.1:1"), SEED_FILE,
                             "no seed file")

    def test_a_wrong_seed_and_nobody_there(self):
        other = self.folder / "other"
        self.run_stt("seed", "new", other)
        self.receive()
        for target in (self.target, "127.0.0.1:9"):
            for command in (("send", "--seed", other, self.inbox), ("ping", "--seed", other),
                            ("pipe", "--seed", other)):
                with self.subTest(target=target, command=command):
                    ended = self.run_stt(*command, target, "--timeout", "0.5")
                    self.assert_one_line(ended, NETWORK,
                                         "no answer from .*seed.*clocks.*firewall")
        self.assertEqual(self.send(self.seed).code, OK)

    def test_a_host_that_is_none(self):
        ended = self.run_stt("ping", "--seed", self.seed, "no.such.host.invalid:1")
        self.assert_one_line(ended, NETWORK, "cannot find the host")

    def test_a_port_in_use(self):
        self.receive()
        for command in (("receive", "--seed", self.seed, self.inbox), ("pipe", "--seed", self.seed)):
            ended = self.run_stt(*command, "--listen", self.target)
            self.assert_one_line(ended, NETWORK, f"cannot listen on {self.target}: address already "
                                                 "in use; choose another with --listen")

    def test_a_receiver_that_is_no_receiver(self):
        """transfer §1.1: what takes no files answers with RESET(7) and STOP(7)."""
        self.start("pipe", "--seed", self.seed, "--listen", self.target).wait_for("listening",
                                                                                   "errors")
        self.assert_one_line(self.send(self.seed), INCOMPLETE, "takes no files: stt receive")

    def test_a_folder_that_is_none_or_may_not_be_written(self):
        ended = self.run_stt("receive", "--seed", self.seed, self.seed)
        self.assert_one_line(ended, USAGE, "cannot receive into")
        if os.geteuid() != 0:  # to root, permissions say nothing
            self.inbox.chmod(0o500)
            ended = self.run_stt("receive", "--seed", self.seed, self.inbox)
            self.assert_one_line(ended, USAGE, "cannot receive into.*may write to")

    def test_standard_output_that_is_closed(self):
        process = subprocess.run(f"'{STT}' seed show '{self.seed}' | true", shell=True, timeout=10,
                                 stderr=subprocess.PIPE, check=False)
        self.assertEqual(process.stderr, b"")


class FullDisk(Case):
    """A tmpfs of 24 MB under the receiver."""

    def small_disk(self):
        """A command prefix under which self.inbox is small, or no prefix when it is mounted."""
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(self.inbox)]
        if os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0:
            self.addCleanup(subprocess.run, ["umount", "-l", str(self.inbox)], check=False)
            return ()
        inside = ("unshare", "-rm", "sh", "-c",
                  f"mount -t tmpfs -o size=24m none '{self.inbox}' && exec \"$@\"", "sh")
        if shutil.which("unshare") and subprocess.run([*inside, "true"], check=False).returncode == 0:
            return inside
        self.fail("neither root nor unshare -rm can mount a small tmpfs here: "
                  "the full disk stays untested")
        return ()

    def test_a_full_disk_is_named_on_both_sides_and_the_part_is_kept(self):
        prefix = self.small_disk()
        big, small = self.folder / "big", self.folder / "small"
        write_random(big, 40_000_000)
        small.write_text("small")
        receiver = self.receive(prefix=prefix)
        ended = self.send(big)
        self.assert_one_line(ended, INCOMPLETE, "disk is full.*again to resume")
        receiver.wait_for("disk is full.*make room", "errors")
        if not prefix:
            self.assertGreater(self.part_size(), 10_000_000)
            # Room is made: it resumes, and the receiver was there all the time.
            subprocess.run(["mount", "-o", "remount,size=64m", str(self.inbox)], check=True)
            ended = self.send(big)
            self.assertEqual(ended.code, OK, ended.errors)
            self.assertGreater(self.content_sent(ended)[1], 10_000_000)
        self.assertIsNone(receiver.process.poll())

    def test_with_once_the_receiver_ends_with_the_result(self):
        prefix = self.small_disk()
        big = self.folder / "big"
        write_random(big, 40_000_000)
        receiver = self.receive("--once", prefix=prefix)
        self.assertEqual(self.send(big).code, INCOMPLETE)
        self.assert_one_line(receiver.wait(), INCOMPLETE, "disk is full")
