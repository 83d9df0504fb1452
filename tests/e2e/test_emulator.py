"""The emulator of a path: what it says it does to datagrams, it does."""

import socket
import time

from support import Case, wait_until


class Path(Case):
    def setUp(self):
        super().setUp()
        self.server = self.bound(self.port)
        self.client = self.bound(0)

    def bound(self, port):
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(end.close)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        end.bind(("127.0.0.1", port))
        end.settimeout(10)
        return end

    def pass_through(self, count, *settings, seed=1):
        """Sends numbered datagrams; what arrives of them, and the emulator's counters."""
        emulator = self.emulate(*settings, seed=seed)
        host, port = emulator.address.split(":")
        for number in range(count):
            self.client.sendto(b"%06d" % number, (host, int(port)))
            if number % 50 == 49:  # no more than a socket's buffer holds
                wait_until(lambda: emulator.counters()["up"]["offered"] > number, "the emulator")

        def is_through():
            up = emulator.counters()["up"]
            gone = up["lost"] + up["overflowed"] + up["too_large"]
            return up["delivered"] == count - gone + up["duplicated"] and up
        counters = wait_until(is_through, "the last datagram")
        arrived = [self.server.recv(100) for _ in range(counters["delivered"])]
        return arrived, counters

    def test_an_untouched_path_carries_all_in_order(self):
        arrived, _ = self.pass_through(1_000)
        self.assertEqual(arrived, [b"%06d" % number for number in range(1_000)])

    def test_a_seed_is_a_run(self):
        settings = ("loss=0.1", "duplicate=0.05", "corrupt=0.05")
        first, counters = self.pass_through(1_000, *settings, seed=7)
        second, _ = self.pass_through(1_000, *settings, seed=7)
        other, _ = self.pass_through(1_000, *settings, seed=8)
        self.assertEqual(first, second)
        self.assertNotEqual(first, other)
        for name, low, high in (("lost", 60, 140), ("duplicated", 20, 80), ("corrupted", 20, 80)):
            self.assertTrue(low < counters[name] < high, counters)

    def test_bursts_of_loss(self):
        _, counters = self.pass_through(2_000, "burst_begin=0.02", "burst_end=0.2")
        self.assertTrue(80 < counters["lost"] < 320, counters)

    def test_delay_and_rate(self):
        emulator = self.emulate("up.delay_ms=50", "up.rate_mbit=1")
        host, port = emulator.address.split(":")
        start = time.monotonic()
        for _ in range(10):  # 1,000 bytes at 1 Mbit/s are 8 ms
            self.client.sendto(bytes(1_000), (host, int(port)))
        for _ in range(10):
            self.server.recv(2_000)
        self.assertGreaterEqual(time.monotonic() - start, 0.130)

    def test_blackout(self):
        emulator = self.emulate()
        host, port = emulator.address.split(":")
        emulator.tell("blackout 100000 up")
        self.client.sendto(b"lost", (host, int(port)))
        wait_until(lambda: emulator.counters()["up"]["blacked_out"], "the datagram")
        emulator.tell("blackout 0")
        self.client.sendto(b"through", (host, int(port)))
        self.assertEqual(self.server.recv(100), b"through")

    def test_rebinding(self):
        emulator = self.emulate()
        host, port = emulator.address.split(":")

        def source_seen():
            self.client.sendto(b"hello", (host, int(port)))
            data, source = self.server.recvfrom(100)
            self.server.sendto(data, source)
            self.assertEqual(self.client.recv(100), b"hello")
            return source
        before = source_seen()
        emulator.tell("rebind port")
        other_port = source_seen()
        emulator.tell("rebind address")
        other_host = source_seen()
        self.assertEqual(before[0], other_port[0])
        self.assertNotEqual(before[1], other_port[1])
        self.assertNotEqual(before[0], other_host[0])
