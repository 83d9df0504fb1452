"""Files, pipes and pings by WebSocket, where UDP does not go."""

import socket
import subprocess

from support import INCOMPLETE, INTERRUPTED, NETWORK, OK, USAGE, Case, free_port, write_random


class WebSocket(Case):
    def setUp(self):
        super().setUp()
        self.big = self.folder / "big"
        write_random(self.big, 5_000_000)

    def receive_by_both(self, *options):
        """A receiver, and the URL of its WebSocket."""
        receiver = self.receive(*options, websocket="127.0.0.1:0")
        self.url = receiver.wait_for(r"listening on \S+ and (wss?://127\.0\.0\.1:\d+), ")[1]
        return receiver

    def certificate(self, name):
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-out", files[0],
                        "-keyout", files[1]], check=True, capture_output=True)
        return files

    def assert_arrived(self):
        self.assertEqual((self.inbox / "big").read_bytes(), self.big.read_bytes())

    def test_a_file_by_a_websocket_alone(self):
        receiver = self.receive_by_both("--once")
        ended = self.run_stt("send", "--seed", self.seed, "-v", self.big, self.url + "/stt")
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertRegex(ended.output, r"sent 1 file, 5\.0 MB in .* by WebSocket\n")
        self.assertRegex(ended.errors, "connected to .* by WebSocket")
        self.assertEqual(receiver.wait(10).code, OK)
        self.assert_arrived()

    def test_udp_that_is_blocked(self):
        self.receive_by_both()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            target = f"127.0.0.1:{silent.getsockname()[1]}"
            ended = self.run_stt("send", "--seed", self.seed, "--websocket", self.url, self.big, target)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertIn("by WebSocket", ended.output)
        self.assert_arrived()

    def test_udp_that_dies_on_the_way(self):
        self.receive_by_both()
        emulator = self.emulate("delay_ms=5", "rate_mbit=20")
        sender = self.start_send(self.big, options=("--websocket", self.url))
        self.wait_for_part(1_000_000)
        emulator.tell("blackout 60000")
        ended = sender.wait()
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertRegex(ended.errors, "connected to .* by UDP")
        self.assertRegex(ended.errors, "goes on by a WebSocket of")
        self.assertIn("by WebSocket", ended.output)
        self.assert_arrived()

    def test_tls(self):
        certificate, key = self.certificate("localhost")
        other, other_key = self.certificate("example.org")
        self.receive_by_both("--certificate", certificate, "--key", key)
        self.assertTrue(self.url.startswith("wss://"))
        send = ("send", "--seed", self.seed, self.big)
        ended = self.run_stt(*send, self.url, "--authorities", certificate)
        self.assertEqual(ended.code, OK, ended.errors)
        self.assert_arrived()
        ping = ("ping", "--seed", self.seed, "-c", "1")
        self.assertEqual(self.run_stt(*ping, self.url, "--insecure").code, OK)
        refused = "its certificate is not to be trusted; or it is for another name.*--authorities"
        self.assert_one_line(self.run_stt(*ping, self.url), NETWORK, refused)
        self.assert_one_line(self.run_stt(*ping, self.url, "--authorities", other), NETWORK, refused)
        plain = self.url.replace("wss", "ws")
        self.assert_one_line(self.run_stt(*ping, plain), NETWORK, "cannot reach ws://")
        for pair, pattern in (((certificate,), "belong together"),
                              ((certificate, other_key), "cannot use the certificate"),
                              ((certificate, "/none"), "cannot read --key")):
            options = [word for name, file in zip(("--certificate", "--key"), pair) for word in (name, file)]
            ended = self.run_stt("receive", "--seed", self.seed, "--listen", "127.0.0.1:0",
                                 "--websocket", "127.0.0.1:0", *options, self.inbox)
            self.assert_one_line(ended, USAGE, pattern)
        self.assert_one_line(self.run_stt(*ping, self.url, "--authorities", self.seed), USAGE,
                             "cannot use --authorities")

    def test_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            ended = self.run_stt("receive", "--seed", self.seed, "--listen", self.target, "--websocket",
                                 address, self.inbox)
            self.assert_one_line(ended, NETWORK, f"cannot listen on {address}: address already in use; "
                                                 "choose another with --websocket")
        # The default one: a warning, and UDP alone. Another process may have it already.
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", 8080))
                taken.listen()
            except OSError:
                pass
            receiver = self.start("receive", "--seed", self.seed, "--listen", self.target, self.inbox)
            receiver.wait_for(f"listening on {self.target}, receiving")
            self.assertRegex(receiver.errors.decode(), "stt: warning: no WebSocket: cannot listen on")
            receiver.interrupt()
            self.assertEqual(receiver.wait(10).code, INTERRUPTED)

    def test_pipe(self):
        listener = self.start("pipe", "--seed", self.seed, "--listen", "off", "--websocket",
                              "127.0.0.1:0", binary_output=True)
        url = listener.wait_for(r"listening on (ws://\S+)", "errors")[1]
        with open(self.big, "rb") as file:
            ended = self.run_stt("pipe", "--seed", self.seed, url, stdin=file, binary_output=True)
        self.assertEqual((ended.code, ended.output), (OK, b""), ended.errors)
        ended = listener.wait()
        self.assertEqual(ended.code, OK, ended.errors)
        self.assertEqual(ended.output, self.big.read_bytes())

    def test_what_is_wrong_with_a_command_line(self):
        for arguments, pattern in (
                (("ping", "ws://h/other"), "is not the path"), (("ping", "http://h"), "ws://example"),
                (("ping", "ws://h", "--websocket", "off"), "WebSocket already"),
                (("ping", "h", "--websocket", "h:1"), "no address of a WebSocket"),
                (("ping", "h", "--insecure"), "wss://"),
                (("send", "--listen", "off", "--websocket", "off", self.big), "both ports are off"),
                (("send", "--certificate", self.big, self.big, "h"), "--listen"),
                (("receive", "--from", "h", "--once", self.inbox), "--once"),
                (("receive", "--from", "h", "--certificate", "x", self.inbox), "--certificate"),
                (("receive", "--shared", self.inbox), "--from"),
                (("receive", "--websocket", "nonsense", self.inbox), "not an address to listen on")):
            with self.subTest(arguments=arguments):
                command, *rest = arguments
                ended = self.run_stt(command, "--seed", self.seed, *rest)
                self.assert_one_line(ended, USAGE, pattern)


class Fetching(Case):
    """The side that has the files waits, and the other comes."""

    def start_sender(self, *paths):
        sender = self.start("send", "--seed", self.seed, "--listen", self.target, "--websocket",
                            "127.0.0.1:0", *paths)
        self.url = sender.wait_for(r"listening on \S+ and (ws://\S+), sending to the first")[1]
        return sender

    def fetch(self, target, *options):
        return self.run_stt("receive", "--seed", self.seed, "--from", target, *options, self.inbox)

    def test_a_file_is_fetched_by_either_transport(self):
        # transfer §1.1
        source = self.folder / "source"
        write_random(source, 1_000_000)
        for get_target in (lambda: self.target, lambda: self.url):
            sender = self.start_sender(source)
            # Who comes for something else does not end it.
            self.assertEqual(self.run_stt("ping", "--seed", self.seed, "-c", "1", self.target).code, OK)
            self.assert_one_line(self.run_stt("send", "--seed", self.seed, source, get_target()),
                                 INCOMPLETE, "takes no files")
            ended = self.fetch(get_target())
            self.assertEqual(ended.code, OK, ended.errors)
            self.assertRegex(ended.output, "received 1 file, 1.0 MB")
            ended = sender.wait(10)
            self.assertEqual(ended.code, OK, ended.errors)
            self.assertRegex(ended.output, "(sent 1 file, 1.0 MB|nothing to send)")
        self.assertEqual((self.inbox / "source").read_bytes(), source.read_bytes())

    def test_what_is_refused_is_told_on_both_sides(self):
        source = self.folder / "source"
        source.write_text("new")
        (self.inbox / "source").write_text("older")
        sender = self.start_sender(source)
        self.assertEqual(self.fetch(self.target).code, INCOMPLETE)
        self.assertEqual(sender.wait(10).code, INCOMPLETE)

    def test_nobody_sends(self):
        self.receive()
        self.assert_one_line(self.fetch(self.target, "--timeout", "0.3"), INCOMPLETE,
                             "sends nothing: stt send --listen")
        self.assert_one_line(self.fetch(self.target, "--shared"), INCOMPLETE, "shares nothing")

    def test_ctrl_c(self):
        self.receive()
        fetching = self.start("receive", "--seed", self.seed, "--from", self.target, "-v", self.inbox)
        fetching.wait_for("connected to", "errors")
        fetching.interrupt()
        self.assert_one_line(fetching.wait(5), INTERRUPTED, "interrupted")
        sender = self.start("send", "--seed", self.seed, "--listen", f"127.0.0.1:{free_port()}",
                            "--websocket", "off", self.seed)
        sender.wait_for("listening on")
        sender.interrupt()
        self.assert_one_line(sender.wait(5), INTERRUPTED, "interrupted")
