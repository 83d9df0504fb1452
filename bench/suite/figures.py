"""What the library is to reach, and what it does: the page's first table."""

from .measuring import STT

ENCRYPTED = ("TLS 1.3 over TCP", "DTLS 1.2", "DTLS 1.2, no acknowledgements", "ZeroMQ, CURVE", "QUIC (ngtcp2)",
             "SRT, AES-128")
AES = "AES-256-GCM"


def number(value, digits=2):
    return f"{value:,.{digits}f}"


def at_least(what, wanted, value, digits=2, unit=""):
    if value is not None:
        yield what, f"≥ {number(wanted, digits)}{unit}", f"{number(value, digits)}{unit}", value >= wanted


def at_most(what, wanted, value, digits=2, unit=""):
    if value is not None:
        yield what, f"≤ {number(wanted, digits)}{unit}", f"{number(value, digits)}{unit}", value <= wanted


def of_crypto(part):
    for operation in ("fold", "unfold"):
        for mode, wanted in (("batch", 2.0), ("single", 0.6)):
            case = f"{operation} {mode}, 1400"
            yield from at_least(f"{operation} of 1,400 bytes, {mode} ÷ {AES}", wanted,
                                part.ratio((case, STT), (case, AES), "gb_per_second"))


def of_bulk(part):
    rate = part.median("bulk", STT, "gbit_per_second")
    if rate is None:
        return
    limits = [ratio for raw in ("raw UDP, GSO and GRO", "raw UDP, GSO and GRO, flooded")
              if (ratio := part.ratio(("bulk", STT), ("bulk", raw), "gbit_per_second"))]
    if limits:
        # Against the better way to drive it.
        share = min(limits)
        yield ("bulk, one stream", "≥ 10 Gbit/s, or ≥ 0.26 of raw UDP",
               f"{number(rate)} Gbit/s, {number(share)} of raw UDP", rate >= 10 or share >= 0.26)
    for peer in ENCRYPTED:
        yield from at_least(f"bulk, rate ÷ {peer}", 1, part.ratio(("bulk", STT), ("bulk", peer), "gbit_per_second"))
        yield from at_most(f"bulk, CPU for a GB ÷ {peer}", 1,
                           part.ratio(("bulk", STT), ("bulk", peer), "cpu_seconds_per_gb"))


def of_latency(part):
    for case in part.cases:
        if "bulk" in case:
            continue
        for metric, name in (("p50_us", "p50"), ("p99_us", "p99")):
            yield from at_most(f"{case}: {name} ÷ raw UDP", 1.3, part.ratio((case, STT), (case, "raw UDP"), metric))
        ratios = [ratio for peer in ENCRYPTED if (ratio := part.ratio((case, STT), (case, peer), "p50_us"))]
        if ratios:
            yield from at_most(f"{case}: p50 ÷ the best encrypted peer", 1, max(ratios))


def of_handshakes(part):
    yield from at_least("handshakes a second, one core", 50_000,
                        part.median("whole handshakes", STT, "handshakes_per_second"), 0)
    yield from at_most("a stranger's HELLO, one seed", 1_000,
                       part.median("a stranger's HELLO, at a node of 1 seed", STT, "ns_each"), 0, " ns")


def of_sessions(part):
    for how in ("all at once", "64 at a time"):
        yield from at_least(f"throughput of 10,000 sessions ÷ one, {how}", 0.8,
                            part.ratio((f"{how}, sessions 10000", STT), ("sessions 1", STT), "gbit_per_second"))


FIGURES = {"crypto": of_crypto, "bulk": of_bulk, "latency": of_latency, "handshakes": of_handshakes,
           "sessions": of_sessions}


def rows_of(results):
    """(what, wanted, measured, is reached) of all parts that were measured."""
    for name, figures in FIGURES.items():
        if name in results:
            yield from figures(results[name])
