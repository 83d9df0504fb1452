"""What a handshake costs the side that is asked."""

import contextlib

from ..measuring import STT, Metric, Part, command


@contextlib.contextmanager
def prepare(setting):
    ours = setting.program("handshake_bench")
    count = str(setting.pick(10_000, 2_000))
    strangers = str(setting.pick(200_000, 50_000))
    runs = [command("whole handshakes", STT, [ours, "accept", "--count", count])]
    for by, name in (("certificate", "TLS 1.3, ECDSA P-256"), ("key", "TLS 1.3, a shared key and X25519")):
        runs.append(command("whole handshakes", name,
                            [setting.program("tls_peer"), "handshakes", "--by", by, "--count",
                             str(setting.pick(1_000, 200))]))
    for seeds in (1, 8, 64):
        runs.append(command(f"a stranger's HELLO, at a node of {seeds} seed{'s' * (seeds > 1)}", STT,
                            [ours, "refuse", "--seeds", str(seeds), "--count", strangers]))
    yield runs


PART = Part(
    name="handshakes",
    title="Handshakes",
    text="""Processor time of the responder's side alone, on one core, without sockets: whole handshakes until the
session can be used, 100 half-open at a time, each from an address of its own; and HELLOs that no seed of the node
opens. Of TLS, the server's calls on a connection in memory, without tickets.""",
    prepare=prepare,
    metrics=(Metric("handshakes_per_second", "a second", 0),
             Metric("us_each", "µs each", 2, is_more_better=False),
             Metric("ns_each", "ns each", 0, is_more_better=False)),
    plot="")
