#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets, from the test vectors: make_corpus.py FOLDER.

What stands in corpus/ are these and what runs of the fuzzers added, minimised by scripts/fuzz.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
# The first byte of an input of the handshakes: its kind, with all repairs. See handshake_fuzz.hpp.
REPAIR_ALL = 0x30


def varint(value):
    encoded = bytearray()
    while value > 0x7f:
        encoded.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(encoded + bytes([value]))


def message(kind, body):
    return varint(kind) + varint(len(body)) + body


def control_messages():
    token = bytes(range(8))
    ack = b"\xe8\x07\xac\x02\x02\x02\x00\x05\x80\x01\x07"
    return [message(0, bytes(5)), message(1, token), message(2, token), message(3, varint(300)),
            message(4, varint(1) + bytes(range(32))), message(5, varint(256) + b"bye"),
            message(6, varint(1) + "schön".encode()), message(7, ack),
            message(8, ack + b"\x01\xac\x02\x03"), message(9, token), message(10, token),
            message(11, varint(128)), message(12, bytes([127, 0, 0, 1, 0x23, 0x29])),
            message(12, bytes(15) + b"\x01\x23\x29"), message(13, b"\x02\x01\x00\xac\x02\x03\x01\x05"),
            message(99, b"unknown")]


def stream_control_messages():
    return [message(1, b"\x01\x07\xac\x02echo"), message(2, varint(65536)), message(3, b"\x07\xac\x02"),
            message(4, varint(300)), message(5, b"\x07"), message(6, b"\x05\xac\x02"), message(99, b"")]


def text(value):
    return b"\x31" + struct.pack(">I", len(value)) + value


def dictionary(entries):
    body = b"".join(text(key) + entries[key] for key in sorted(entries))
    return b"\x41" + struct.pack(">I", len(entries)) + body


def integer(value):
    return struct.pack(">bb", 0x10, value)


def record(kind, entries):
    body = dictionary(entries)
    return bytes([kind]) + struct.pack(">I", len(body)) + body


def transfer_records():
    offer = {b"item": integer(1), b"kind": integer(0), b"path": text(b"a/b"), b"mode": integer(64),
             b"seconds": integer(-1), b"nanoseconds": integer(5), b"size": integer(9)}
    link = {**offer, b"kind": integer(2), b"target": text(b"../c")}
    digest = b"\x30" + struct.pack(">I", 32) + bytes(32)
    item = {b"item": integer(1)}
    reason = {b"reason": text(b"because")}
    return [record(1, {b"version": integer(1)}), record(2, offer), record(2, link),
            record(3, {**item, b"offset": integer(0)}), b"\x04\x00\x00\x00\x03abc",
            record(5, {b"size": integer(9)}), record(6, {**item, b"digest": digest}),
            record(7, {**item, **reason}), record(8, {**item, b"digest": digest}),
            record(9, {b"files": integer(3), b"bytes": integer(9)}), record(10, {b"failed": integer(0)}),
            record(16, {**item, b"offset": integer(0)}), record(17, item),
            record(18, {**item, b"present": integer(1)}), record(19, {**item, **reason}), record(20, reason)]


def websocket_frame(first, payload, is_masked):
    mask = b"\x01\x02\x03\x04"
    header = bytes([first, len(payload) | is_masked << 7])
    if not is_masked:
        return header + payload
    return header + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def websocket_channels():
    """A first byte for role and configuration, then steps: a kind from 12 on, a size, and so many received bytes."""
    for choice in range(8):
        is_masked = choice % 2 == 0
        frames = [(0x82, b"binary"), (0x02, b"one"), (0x89, b"ping"), (0x00, b"two"), (0x80, b""), (0x8a, b""),
                  (0x81, "κόσμε".encode()), (0x88, b"\x03\xe8bye")]
        parts = [websocket_frame(first, payload, is_masked) for first, payload in frames]
        yield bytes([choice]) + b"".join(b"\x0c" + bytes([len(part)]) + part for part in parts)
        # Frames that keep the rules, of every opcode; writing, sending, time; a close of the application's own.
        good = b"".join(b"\x03" + bytes([opcode]) + b"\x04data" for opcode in (0x80, 0x01, 0x02, 0x03, 0x04, 0x60))
        yield bytes([choice]) + good + b"\x01\x00\x64\x01\x00\xff\xff\x02\x05\x02\x04\x05\x00\x02\x03"


def websocket_handshakes():
    for entry in json.loads((VECTORS / "websocket.json").read_text(encoding="utf-8"))["handshake"]:
        yield b"\x3f" + entry["request"].encode()
        yield b"\x80" + entry["response"].encode()
    fields = ["Host: example.com", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
              "Sec-WebSocket-Protocol: stt.v1", "Origin: https://app.example"]
    for count in range(len(fields) + 1):
        lines = ["GET /stt?x HTTP/1.1"] + fields[:count]
        yield b"\x07" + "".join(line + "\r\n" for line in lines).encode() + b"\r\n"
    yield b"\x00HEAD / HTTP/1.0\r\n\r\n"
    yield b"\xff\x0bexample.com\x04/stt\x12http://example.com"


def inputs():
    """Target and input, one after another."""
    codec = json.loads((VECTORS / "codec.json").read_text(encoding="utf-8"))
    wire = json.loads((VECTORS / "wire.json").read_text(encoding="utf-8"))
    yield "varint", b"".join(bytes.fromhex(case["bytes"]) for case in codec["varint"])
    for name in ("tlv", "tlv_refused", "tlv_not_canonical"):
        for case in codec[name]:
            value = bytes.fromhex(case if isinstance(case, str) else case["bytes"])
            if len(value) <= 1024:
                yield "tlv", value
    for case in wire["datagram"]:
        yield "frame", bytes.fromhex(case["datagram"])
    for case in wire["handshake"]:
        for kind, name in ((1, "hello"), (2, "auth_proof")):
            payload = bytes.fromhex(case[f"{name}_payload"])
            yield "responder", bytes([REPAIR_ALL | kind]) + without_padding(payload)
            yield "frame", bytes.fromhex(case[f"{name}_frame"])
        for kind, name in ((1, "response"), (2, "final")):
            payload = bytes.fromhex(case[f"{name}_payload"])
            yield "initiator", bytes([REPAIR_ALL | kind]) + without_padding(payload)
    for one in control_messages():
        yield "control", one
    yield "control", b"".join(control_messages())
    for one in stream_control_messages():
        yield "stream_control", b"\x00" + one
    yield "stream_control", b"\x81\x01" + b"".join(stream_control_messages())
    yield "data", b"\x04\x00\x00"
    yield "data", b"\x00\x01\xac\x02bytes"
    yield "data", b"\x08\x00\x05\x05\x03abc"
    yield "ack", bytes(range(0, 240, 3))
    yield "transfer", b"\x05" + b"".join(transfer_records())
    for one in transfer_records():
        yield "transfer", b"\xff" + one
    for one in websocket_channels():
        yield "websocket_channel", one
    for one in websocket_handshakes():
        yield "websocket_handshake", one


def without_padding(payload):
    """The DICT without its entry `padding`, whose value is the longest there is."""
    entry = payload.find(text(b"padding"))
    if entry < 0:
        return payload
    begin = entry + len(text(b"padding"))
    size, = struct.unpack(">I", payload[begin + 1:begin + 5])
    count, = struct.unpack(">I", payload[1:5])
    return payload[:1] + struct.pack(">I", count - 1) + payload[5:entry] + payload[begin + 5 + size:]


def main():
    root = Path(sys.argv[1])
    for target, value in inputs():
        folder = root / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(value).hexdigest()[:16]).write_bytes(value)


if __name__ == "__main__":
    main()
