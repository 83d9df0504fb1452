"""Files and folders that go through."""

import os
import socket
import threading
import time

from support import INCOMPLETE, IS_SANITIZED, OK, Case, describe, wait_until, write_random


class Transfer(Case):
    def make_folder(self, name="stuff"):
        source = self.folder / name
        (source / "nested/deeper/still").mkdir(parents=True)
        (source / "no files").mkdir()
        write_random(source / "big", 30_000_000)
        write_random(source / "nested/deeper/middle", 1_000_001, 1)
        (source / "empty").touch()
        (source / "Grüße 日本.txt").write_text("hello\n")
        program = source / "nested/program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o4755)
        (source / "nested/secret").write_text("x")
        (source / "nested/secret").chmod(0o400)
        (source / "nested/link").symlink_to("../big")
        (source / "nested/hanging").symlink_to("nowhere")
        os.utime(source / "empty", ns=(0, 1_234_567_890_123_456_789))
        os.utime(source / "nested", ns=(0, 1_000_000_000_000_000_001))
        return source

    def test_a_folder_and_a_file(self):
        source = self.make_folder()
        single = self.folder / "single"
        write_random(single, 12_345)
        receiver = self.receive("--once")
        ended = self.send(source, single)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertEqual(ended.error_lines(), [])
        self.assertEqual(receiver.wait().code, OK)
        (source / "nested/program").chmod(0o755)  # setuid does not travel
        expected, arrived = describe(source), describe(self.inbox / "stuff")
        self.assertEqual(arrived, expected)
        self.assertEqual((self.inbox / "stuff").stat().st_mtime_ns, source.stat().st_mtime_ns)
        self.assertEqual((self.inbox / "single").read_bytes(), single.read_bytes())
        self.assertEqual(len(list(self.inbox.iterdir())), 2)

    def test_an_empty_file_and_an_empty_folder(self):
        (self.folder / "nothing").touch()
        (self.folder / "void").mkdir()
        self.receive()
        self.assertEqual(self.send(self.folder / "nothing", self.folder / "void").code, OK)
        self.assertEqual((self.inbox / "nothing").stat().st_size, 0)
        self.assertTrue((self.inbox / "void").is_dir())

    def test_a_sparse_file_of_one_gigabyte(self):
        sparse = self.folder / "sparse"
        with open(sparse, "wb") as file:
            file.truncate(1 << 30)
            file.seek(700 << 20)
            file.write(b"island")
        self.receive()
        begin = time.monotonic()
        ended = self.send(sparse)
        elapsed = time.monotonic() - begin
        self.assertEqual(ended.code, OK, ended.errors)
        arrived = self.inbox / "sparse"
        self.assertEqual(arrived.stat().st_size, 1 << 30)
        self.assertLess(arrived.stat().st_blocks * 512, 1 << 20)
        self.assertLess(self.content_sent(ended)[0], 1 << 20)
        with open(arrived, "rb") as file:
            file.seek(700 << 20)
            self.assertEqual(file.read(7), b"island\0")
        # A second or so on an idle machine; this one may be shared.
        self.assertLess(elapsed, 30)

    def test_thousands_of_small_files(self):
        source = self.folder / "many"
        for number in range(2000):
            path = source / str(number % 20) / str(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * (number % 50))
        self.receive()
        begin = time.monotonic()
        ended = self.send(source)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(describe(self.inbox / "many"), describe(source))

    def test_memory_stays_small_however_large_the_file(self):
        big = self.folder / "big"
        write_random(big, 400_000_000)
        receiver = self.receive("--once")
        sender = self.start_send(big)
        waiting = threading.Thread(target=receiver.wait)
        waiting.start()
        self.assertEqual(sender.wait().code, OK)
        waiting.join()
        self.assertEqual(receiver.process.returncode, OK)
        for process in (sender, receiver):
            self.assertGreater(process.memory_peak, 1_000_000)
            if not IS_SANITIZED:
                self.assertLess(process.memory_peak, 64_000_000)

    def test_several_senders_at_once(self):
        receiver = self.receive()
        senders = []
        for number in range(5):
            path = self.folder / f"from{number}"
            write_random(path, 20_000_000, number)
            senders.append((path, self.start_send(path)))
        for path, sender in senders:
            ended = sender.wait()
            self.assertEqual(ended.code, OK, ended.errors)
            self.assertEqual((self.inbox / path.name).read_bytes(), path.read_bytes())
        self.assertIsNone(receiver.process.poll())

    def test_special_files_and_links_that_leave_are_skipped_with_a_warning(self):
        source = self.folder / "odd"
        source.mkdir()
        (source / "good").write_text("good")
        os.mkfifo(source / "fifo")
        with socket.socket(socket.AF_UNIX) as endpoint:
            endpoint.bind(str(source / "socket"))
        (source / "absolute").symlink_to("/etc/passwd")
        (source / "leaves").symlink_to("../seed")
        self.receive()
        ended = self.send(source)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertEqual(len(ended.error_lines()), 4, ended.errors)
        self.assertTrue(all("warning: skipping" in line for line in ended.error_lines()))
        self.assertEqual([path.name for path in (self.inbox / "odd").iterdir()], ["good"])

    def test_names_with_control_characters_are_reported_without_them(self):
        source = self.folder / "names"
        source.mkdir()
        (source / "good").write_text("good")
        (source / "bad\x1b[31m\nname").write_text("bad")
        self.receive()
        ended = self.send(source)
        self.assert_one_line(ended, INCOMPLETE, r"bad\\x1b\[31m\\x0aname.*rename it")
        self.assertNotIn("\x1b", ended.errors)
        self.assertEqual((self.inbox / "names/good").read_text(), "good")

    def test_a_source_that_keeps_changing_fails_alone(self):
        source = self.folder / "live"
        source.mkdir()
        (source / "still").write_text("still")
        write_random(source / "log", 200_000_000)
        self.receive()
        sender = self.start_send(source)
        self.wait_for_part(1_000_000)
        with open(source / "log", "ab") as file:
            file.write(b"more")
        ended = sender.wait()
        self.assert_one_line(ended, INCOMPLETE, "live/log.*changed")
        self.assertEqual((self.inbox / "live/still").read_text(), "still")
        self.assertFalse((self.inbox / "live/log").exists())
        wait_until(lambda: self.part_size() == 0, "the part of a changed file to go")


class ExistingTargets(Case):
    def setUp(self):
        super().setUp()
        self.source = self.folder / "doc"
        self.source.write_text("new content")

    def test_the_same_content_is_not_sent_again(self):
        self.receive()
        self.assertEqual(self.send(self.source).code, OK)
        ended = self.send(self.source)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertEqual(self.content_sent(ended), (0, len("new content")))

    def test_other_content_is_kept(self):
        for old in ("old", "old content"):
            (self.inbox / "doc").write_text(old)
            receiver = self.receive("--once")
            ended = self.send(self.source)
            self.assert_one_line(ended, INCOMPLETE, "doc.*kept.*--overwrite")
            self.assertEqual((self.inbox / "doc").read_text(), old)
            self.assertEqual(receiver.wait().code, INCOMPLETE)

    def test_other_content_is_replaced_with_overwrite(self):
        for old in ("old", "old content"):
            (self.inbox / "doc").write_text(old)
            receiver = self.receive("--once", "--overwrite")
            self.assertEqual(self.send(self.source).code, OK)
            self.assertEqual((self.inbox / "doc").read_text(), "new content")
            self.assertEqual(receiver.wait().code, OK)

    def test_a_folder_is_never_replaced_by_a_file(self):
        (self.inbox / "doc").mkdir()
        self.receive("--overwrite")
        self.assert_one_line(self.send(self.source), INCOMPLETE, "a folder of this name")
