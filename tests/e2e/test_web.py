"""stt web: the page, and what comes and goes beside it."""

import os
import re
import urllib.error
import urllib.request

from support import INTERRUPTED, NETWORK, OK, SEED_FILE, USAGE, Case, write_random

PAGE = b"<!doctype html><title>STT</title>"


class Web(Case):
    def setUp(self):
        super().setUp()
        self.page = self.folder / "page"
        (self.page / "lib").mkdir(parents=True)
        (self.page / "index.html").write_bytes(PAGE)
        (self.page / "stt.wasm").write_bytes(b"\0asm")
        (self.page / "lib" / "app.js").write_text("export {};")
        (self.page / ".hidden").write_text("secret")
        os.symlink("/etc/passwd", self.page / "link")

    def start_web(self, *options):
        running = self.start("web", "--seed", self.seed, "--listen", "127.0.0.1:0", "--udp",
                             self.target, "--assets", self.page, *options, self.inbox)
        self.url = running.wait_for(r"(http://127\.0\.0\.1:\d+)/\n")[1]
        self.socket = self.url.replace("http", "ws")
        return running

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def test_the_page_and_nothing_else(self):
        web = self.start_web()
        status, headers, body = self.get("/?x=1")
        self.assertEqual((status, body), (200, PAGE))
        self.assertRegex(headers["Content-Security-Policy"], "default-src 'self';.*frame-ancestors")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(headers["Cache-Control"], "no-cache")
        self.assertEqual(self.get("/stt.wasm")[1]["Content-Type"], "application/wasm")
        self.assertEqual(self.get("/stt.wasm", "HEAD")[::2], (200, b""))
        self.assertRegex(self.get("/lib/app.js")[1]["Content-Type"], "^text/javascript")
        for path in ("/none", "/lib", "/lib/", "/.hidden", "/link", "/../seed", "/lib/../../seed",
                     "/%2e%2e/seed", "//etc/passwd", "/lib/..%2f..%2fseed"):
            with self.subTest(path=path):
                status, headers, body = self.get(path)
                self.assertEqual(status, 404)
                self.assertNotIn(self.seed.read_bytes().strip(), body)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        web.interrupt()
        self.assert_one_line(web.wait(10), INTERRUPTED, "interrupted")
        self.assertNotIn(self.seed.read_text().strip(), web.output.decode())

    def test_files_come_and_are_shared(self):
        # transfer §1.4
        shared, big = self.folder / "shared", self.folder / "big"
        shared.mkdir()
        write_random(shared / "photo", 300_000)
        write_random(big, 3_000_000)
        web = self.start_web("--share", shared)
        for target in (self.target, self.socket):
            self.assertEqual(self.run_stt("send", "--seed", self.seed, big, target).code, OK)
        self.assertEqual((self.inbox / "big").read_bytes(), big.read_bytes())
        web.wait_for("received 1 file, 3.0 MB")
        copy = self.folder / "copy"
        for target in (self.socket, self.target):
            ended = self.run_stt("receive", "--seed", self.seed, "--from", target, "--shared", copy)
            self.assertEqual(ended.code, OK, ended.errors)
        self.assertEqual((copy / "shared" / "photo").read_bytes(), (shared / "photo").read_bytes())
        web.wait_for("shared 1 file, 300.0 kB")

    def test_nothing_is_shared_unless_asked_for(self):
        self.start_web()
        ended = self.run_stt("receive", "--seed", self.seed, "--from", self.target, "--shared",
                             self.folder / "copy")
        self.assert_one_line(ended, 5, "shares nothing")

    def test_what_is_wrong_is_told(self):
        base = ("web", "--seed", self.seed)
        page = ("--assets", self.page)
        self.assert_one_line(self.run_stt(*base, "--assets", self.inbox, self.inbox), USAGE,
                             "has no index.html")
        self.assert_one_line(self.run_stt(*base, *page, "--share", "/none", self.inbox), USAGE,
                             "check the path")
        self.assert_one_line(self.run_stt(*base, *page, "--listen", "off", self.inbox), USAGE, "page")
        self.assert_one_line(self.run_stt("web", "--seed", "/none", *page, self.inbox), SEED_FILE,
                             "no seed file")
        self.start_web()
        taken = self.url.removeprefix("http://")
        self.assert_one_line(self.run_stt(*base, *page, "--listen", taken, "--udp", "off", self.inbox),
                             NETWORK, "already in use; choose another with --listen")
        self.assert_one_line(
            self.run_stt(*base, *page, "--listen", "127.0.0.1:0", "--udp", self.target, self.inbox),
            NETWORK, "already in use; choose another with --udp")

    def test_the_seed_is_shown_when_asked_for(self):
        web = self.start_web("--show-seed")
        web.wait_for(re.escape(self.seed.read_text().strip()))
        web.wait_for("█")
