"""One stream of one connection over loopback, as fast as it goes."""

import contextlib

from ..measuring import STT, Metric, Part, command

CASE = "bulk"


@contextlib.contextmanager
def prepare(setting):
    size = ["--mb", str(setting.pick(2_000, 400))]
    slow = ["--mb", str(setting.pick(500, 100))]
    timed = ["--seconds", str(setting.pick(2, 0.5))]

    def run(subject, program, *words):
        return command(CASE, subject, [setting.program(program), *words])

    yield [
        run(STT, "bulk_bench", *size),
        run("STT, by WebSocket", "bulk_bench", "--transport", "websocket", *size),
        run("raw UDP, GSO and GRO", "udp_bench", "bulk", *timed),
        run("raw UDP, GSO and GRO, flooded", "udp_bench", "bulk", "--pace", "flood", *timed),
        run("raw UDP, sendmmsg", "udp_bench", "bulk", "--mode", "mmsg", *timed),
        run("TLS 1.3 over TCP", "tls_peer", "bulk", *size),
        run("ZeroMQ, CURVE", "zmq_peer", "bulk", *slow),
        run("DTLS 1.2, no acknowledgements", "tls_peer", "bulk", "--transport", "udp", *timed),
        run("QUIC (ngtcp2)", "quic_peer", "bulk", *slow),
        run("SRT, AES-128", "srt_peer", "bulk", *slow),
    ]


PART = Part(
    name="bulk",
    title="Bulk over loopback",
    text="""One stream of one connection between two processes, datagrams of 1,472 bytes (TCP has the interface's
MTU of 65,536 and offload), from the first byte handed over until the receiving application has read the last.
Processor time is of both processes, with what the kernel did for them. Raw UDP uses the same socket layer and
carries nothing but bytes: the limit. *Flooded* sends without regard to what the receiver can follow, and counts
what arrived.""",
    prepare=prepare,
    metrics=(Metric("gbit_per_second", "Gbit/s"),
             Metric("cpu_seconds_per_gb", "CPU s for a GB", 2, is_more_better=False),
             Metric("client_cpu_seconds_per_gb", "of it the sender", 2, is_more_better=False),
             Metric("server_cpu_seconds_per_gb", "the receiver", 2, is_more_better=False),
             Metric("client_allocations_per_frame", "allocations a frame, sender", 4, is_more_better=False),
             Metric("server_allocations_per_frame", "receiver", 4, is_more_better=False)))
