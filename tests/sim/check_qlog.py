#!/usr/bin/env python3
"""Runs sim_transfer with --qlog, and checks what it wrote, as a viewer would read it.

usage: check_qlog.py SIM_TRANSFER
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = (3, 11, 27)
BYTES = 300_000
CATEGORIES = {"connectivity", "transport", "security", "recovery", "stt"}


def records_of(path):
    """The texts of a JSON text sequence, RFC 7464."""
    texts = path.read_bytes().split(b"\x1e")
    assert texts[0] == b"", "something stands before the first record separator"
    for text in texts[1:]:
        assert text.endswith(b"\n"), "a record without its line feed"
        yield json.loads(text.decode("utf-8"))


def check_header(header, vantage_point):
    assert header["qlog_version"] == "0.3" and header["qlog_format"] == "JSON-SEQ"
    trace = header["trace"]
    assert trace["vantage_point"]["type"] == vantage_point
    assert trace["common_fields"]["time_format"] == "relative"


def check_events(events):
    """Returns what was sent and received, by packet type and number."""
    before = -1.0
    sent, received, lost = {}, {}, []
    for event in events:
        assert event["time"] >= before, "time goes back"
        before = event["time"]
        category, name = event["name"].split(":")
        assert category in CATEGORIES, category
        data = event["data"]
        if category == "transport" and name in ("packet_sent", "packet_received"):
            header = data["header"]
            key = (header["packet_type"], header["packet_number"])
            (sent if name == "packet_sent" else received)[key] = data["raw"]["length"]
            assert all("frame_type" in frame for frame in data["frames"])
        elif name == "packet_lost":
            lost.append(("1RTT", data["header"]["packet_number"]))
    assert all(key in sent for key in lost), "lost what was never sent"
    return sent, received


def check_pair(name):
    sides = {}
    for side in ("client", "server"):
        records = list(records_of(Path(f"{name}.{side}.sqlog")))
        check_header(records[0], side)
        sides[side] = check_events(records[1:])
        assert len(records) > 100
    for one, other in (("client", "server"), ("server", "client")):
        for key, size in sides[one][1].items():
            assert sides[other][0].get(key) == size, f"{one} received {key}, never sent so"
    return sum(len(sent) for sent, _ in sides.values())


def main():
    frames = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            name = str(Path(folder) / f"seed-{seed}")
            subprocess.run([sys.argv[1], "--seed", str(seed), "--bytes", str(BYTES), "--qlog", name],
                           check=True, stdout=subprocess.DEVNULL)
            frames += check_pair(name)
    print(f"qlog: {len(SEEDS)} runs, {frames} frames sent")


if __name__ == "__main__":
    main()
