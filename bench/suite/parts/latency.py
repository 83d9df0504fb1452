"""Small requests and their answers."""

import contextlib

from ..measuring import STT, Metric, Part, command

PEERS = (
    # name, program and its first words, waits it offers, whether it can send in bulk beside
    (STT, ("latency_bench",), ("epoll", "spin"), True),
    ("raw UDP", ("udp_bench", "latency"), ("epoll", "spin"), False),
    ("TLS 1.3 over TCP", ("tls_peer", "latency"), ("epoll", "spin"), True),
    ("DTLS 1.2", ("tls_peer", "latency", "--transport", "udp"), ("epoll", "spin"), False),
    ("QUIC (ngtcp2)", ("quic_peer", "latency"), ("epoll", "spin"), True),
    ("ZeroMQ, CURVE", ("zmq_peer", "latency"), ("epoll",), False),
    ("SRT, AES-128", ("srt_peer", "latency"), ("epoll",), False),
)
WAITS = {"epoll": "asleep in epoll", "spin": "both spinning"}


@contextlib.contextmanager
def prepare(setting):
    count = str(setting.pick(10_000, 1_000))
    seconds = str(setting.pick(1.5, 0.6))
    runs = []
    for size in (64, 1_024):
        for beside, wait in (("idle", "epoll"), ("idle", "spin"), ("bulk", "epoll")):
            case = f"{size} bytes, {WAITS[wait]}" + (", beside a bulk stream" if beside == "bulk" else "")
            for name, (program, *words), waits, has_bulk in PEERS:
                if wait not in waits or (beside == "bulk" and not has_bulk):
                    continue
                words = [setting.program(program), *words, "--size", str(size), "--count", count,
                         "--seconds", seconds, "--cores", "apart"]
                if len(waits) > 1:
                    words += ["--wait", wait]
                if has_bulk:
                    words += ["--beside", beside]
                runs.append(command(case, name, words))
    yield runs


PART = Part(
    name="latency",
    title="Latency of small messages",
    text="""A request and its answer of the same size between two processes on loopback, one at a time; from
before the request is handed over until the whole answer is there. Each process is kept on a core of its own, as if
they were two machines. Beside a bulk stream: the same connection carries another stream that is never out of bytes
(STT, the request's stream before it by priority; QUIC), or a second connection does (TLS).""",
    prepare=prepare,
    metrics=(Metric("p50_us", "p50, µs", 1, is_more_better=False),
             Metric("p99_us", "p99, µs", 1, is_more_better=False),
             Metric("p999_us", "p99.9, µs", 1, is_more_better=False),
             Metric("bulk_gbit_per_second", "bulk beside, Gbit/s", 2)))
