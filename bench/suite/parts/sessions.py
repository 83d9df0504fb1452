"""Many sessions of one node, and many streams of one session."""

import contextlib

from ..measuring import STT, Metric, Part, command

COUNTS = (1, 100, 10_000)


def loads(setting, option, what):
    program = setting.program("node_bench")
    seconds = str(setting.pick(2, 0.5))
    for count in COUNTS:
        for active, how in ((0, "all at once"), (64, "64 at a time")):
            if count > 1 or active == 0:
                yield command(f"{how}, {what} {count}" if count > 1 else f"{what} 1", STT,
                              [program, option, str(count), "--active", str(active), "--seconds", seconds])


@contextlib.contextmanager
def prepare_sessions(setting):
    yield list(loads(setting, "--sessions", "sessions"))


@contextlib.contextmanager
def prepare_streams(setting):
    yield list(loads(setting, "--streams", "streams"))


@contextlib.contextmanager
def prepare_threads(setting):
    program = setting.program("shards_bench")
    seconds = str(setting.pick(2, 0.5))
    yield [command(f"{transport}, threads {threads}", STT,
                   [program, "--sessions", "16", "--threads", str(threads), "--seconds", seconds,
                    "--transport", option])
           for transport, option in (("UDP", "udp"), ("WebSocket", "websocket")) for threads in (1, 2)]


@contextlib.contextmanager
def prepare_messages(setting):
    program = setting.program("sessions_bench")
    yield [command(f"sessions {count}", STT, [program, "--sessions", str(count)])
           for count in setting.pick((10, 100, 1_000, 10_000), (10, 1_000))]


TRAFFIC = (Metric("gbit_per_second", "Gbit/s in all"),
           Metric("cpu_seconds_per_gb", "CPU s for a GB", 2, is_more_better=False),
           Metric("fairness", "Jain's index", 3),
           Metric("idle_bytes_each", "bytes of an idle session", 0, is_more_better=False),
           Metric("working_bytes_each", "bytes of one at work", 0, is_more_better=False),
           Metric("server_allocations_per_1400_bytes", "allocations for 1,400 bytes", 4, is_more_better=False))
HOW = """*All at once*: every one is never out of bytes. *64 at a time*: as many are at work, each takes the next of
all in turn, hands it 16 KiB and waits until they are acknowledged. The measurement begins when they have
brought 512 KiB each, or a turn each, after one second at least and ten at most: before that each finds its
rate. Memory is the receiving node's, by a counting allocator, with what the allocator adds; Jain's index is
over the bytes that each brought during the measurement (1: all the same)."""

SESSIONS = Part(
    name="sessions",
    title="Many sessions",
    text="Sessions of one node with another one, between two processes on loopback, each with one stream. " + HOW,
    prepare=prepare_sessions, metrics=TRAFFIC, plot="", baseline="sessions 1")
STREAMS = Part(
    name="streams",
    title="Many streams",
    text="Streams of one session, between two processes on loopback. " + HOW,
    prepare=prepare_streams, metrics=TRAFFIC, plot="", baseline="streams 1")
THREADS = Part(
    name="threads",
    title="A node on several threads",
    text="""Sixteen sessions of one node, each never out of bytes, into a node group of so many threads: the
clients, on one thread, are another process, so that on two cores the second thread has a part of what they leave.""",
    prepare=prepare_threads,
    metrics=(Metric("gbit_per_second", "Gbit/s in all"),
             Metric("cpu_seconds_per_gb", "CPU s for a GB", 2, is_more_better=False),
             Metric("server_cpu_seconds_per_gb", "of it the receiver", 2, is_more_better=False),
             Metric("sessions_of_busiest_thread", "sessions of the busiest thread", 0, is_more_better=False),
             Metric("forwarded", "forwarded between threads", 0, is_more_better=False)),
    plot="", baseline="UDP, threads 1")
MESSAGES = Part(
    name="messages",
    title="Small messages of many sessions",
    text="""Two nodes' engines in one process without sockets, in virtual time: 100 messages of 32 bytes a second
in each session. Time and allocations are of both ends together.""",
    prepare=prepare_messages,
    metrics=(Metric("ns_per_message", "ns of CPU a message", 0, is_more_better=False),
             Metric("allocations_per_message", "allocations a message", 2, is_more_better=False),
             Metric("idle_bytes_of_initiator", "bytes of an idle session, initiator", 0, is_more_better=False),
             Metric("idle_bytes_of_responder", "responder", 0, is_more_better=False)),
    plot="", baseline="sessions 10", rounds_max=3)
