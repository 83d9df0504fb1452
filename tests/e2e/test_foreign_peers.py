"""Another implementation of RFC 6455 at the other end: python3-websockets, as client and server."""

import asyncio
import socket
import sys
import threading

try:
    import websockets
except ModuleNotFoundError:  # an interpreter that is not Debian's does not look there
    sys.path.append("/usr/lib/python3/dist-packages")
    import websockets

from support import NETWORK, Case, wait_until

SUBPROTOCOL = "stt.v1"


class Client(Case):
    """It connects to stt receive."""

    def setUp(self):
        super().setUp()
        receiver = self.receive(websocket="127.0.0.1:0")
        self.url = receiver.wait_for(r"and (ws://\S+),")[1] + "/stt"

    def run_with(self, work, **options):
        async def connect():
            options.setdefault("subprotocols", [SUBPROTOCOL])
            async with websockets.connect(self.url, compression=None, **options) as connection:
                return await work(connection)
        return asyncio.run(asyncio.wait_for(connect(), 10))

    def close_code_after(self, message):
        async def work(connection):
            await connection.send(message)
            await connection.wait_closed()
            return connection.close_code
        return self.run_with(work)

    def test_it_is_taken_with_the_subprotocol_and_pings_are_answered(self):
        async def work(connection):
            await (await connection.ping(b"echo"))
            return connection.subprotocol
        self.assertEqual(self.run_with(work), SUBPROTOCOL)

    def test_what_is_no_message_of_stt_is_closed_with_its_code(self):
        self.assertEqual(self.close_code_after("text"), 1003)
        self.assertEqual(self.close_code_after(b"garbage"), 1002)
        self.assertEqual(self.close_code_after(b"\0" * 2_049), 1009)

    def test_its_close_is_answered(self):
        async def work(connection):
            await connection.close(1000, "bye")
            return connection.close_code
        self.assertEqual(self.run_with(work), 1000)

    def status_of(self, **options):
        async def work(_connection):
            return 101
        try:
            return self.run_with(work, **options)
        except websockets.exceptions.InvalidStatusCode as refused:
            return refused.status_code

    def test_who_does_not_ask_for_stt_is_refused(self):
        self.assertEqual(self.status_of(subprotocols=None), 400)
        self.assertEqual(self.status_of(subprotocols=["chat"]), 400)
        self.assertEqual(self.status_of(origin="https://elsewhere.example"), 403)
        self.url = self.url.replace("/stt", "/other")
        self.assertEqual(self.status_of(), 404)

    def test_an_origin_that_is_let_in(self):
        receiver = self.start("receive", "--seed", self.seed, "--listen", "off", "--websocket",
                              "127.0.0.1:0", "--origin", "https://one.example", "--origin",
                              "https://two.example", self.inbox)
        self.url = receiver.wait_for(r"(ws://\S+),")[1] + "/stt"
        for origin, status in (("https://one.example", 101), ("https://two.example", 101),
                               ("https://three.example", 403)):
            self.assertEqual(self.status_of(origin=origin), status)


class Server(Case):
    """stt ping connects to it."""

    def serve(self, **options):
        """A server that takes messages and answers none."""
        async def silent(connection):
            try:
                async for message in connection:
                    self.received.append(message)
            except websockets.exceptions.ConnectionClosedError:
                pass  # who gives up does not stay for the closing handshake
        async def run():
            async with websockets.serve(silent, "127.0.0.1", 0, **options) as server:
                self.port = server.sockets[0].getsockname()[1]
                self.is_over = asyncio.Event()
                self.loop = asyncio.get_running_loop()
                started.set()
                await self.is_over.wait()
        self.received = []
        started = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        thread.start()
        self.assertTrue(started.wait(10))
        self.addCleanup(thread.join, 10)
        self.addCleanup(self.loop.call_soon_threadsafe, self.is_over.set)

    def ping(self, *options):
        return self.run_stt("ping", "--seed", self.seed, *options, f"ws://127.0.0.1:{self.port}")

    def test_another_subprotocol_is_no_node(self):
        self.serve(subprotocols=["chat"])
        self.assert_one_line(self.ping(), NETWORK, "cannot reach ws://.*no node of STT; check the port")

    def test_one_that_stays_silent(self):
        self.serve(subprotocols=[SUBPROTOCOL])
        self.assert_one_line(self.ping("--timeout", "0.7"), NETWORK,
                             r"no answer from ws://127\.0\.0\.1:\d+ within 0\.7 s.*seed")
        wait_until(lambda: self.received, "a HELLO")
        self.assertIsInstance(self.received[0], bytes)

    def test_one_that_does_not_answer_the_upgrade(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            self.port = server.getsockname()[1]
            self.assert_one_line(self.ping("--timeout", "0.7"), NETWORK,
                                 r"no answer from ws://127\.0\.0\.1:\d+ within 0\.7 s.*stays silent")
