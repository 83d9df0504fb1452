#!/usr/bin/env python3
"""What no vector shows: the two folds printed in the specification, and refusals by the model itself."""

import sys

from check_vectors import Tally, equal, refused
from stt_model import cke, control, dsf, frame, handshake, payload, tlv, turboshake, varint
from stt_model.context import Context
from stt_model.stream import Direction

SEED, NODES, NONCES = bytes(range(32)), (b"\x01" * 32, b"\x02" * 32), (b"\x03" * 32, b"\x04" * 32)
CONTEXT = Context(SEED)
PARTIES = handshake.Parties(*NODES, *NONCES)
NAME, FRAME_NONCE = b"handsh00", b"\x05" * 16
HELLO = handshake.build_hello(CONTEXT, NAME, NODES[0], NONCES[0], 1000, ["udp", "streaming"], FRAME_NONCE)
RESPONSE = handshake.build_response(CONTEXT, NAME, HELLO, PARTIES, 1001, ["udp"], FRAME_NONCE, b"\x06" * 16)


def item(kind: int, body: bytes) -> bytes:
    return varint.encode(kind) + varint.encode(len(body)) + body


def control_refusals():
    """Spec protocol §8.1: a malformed or empty payload is error 1."""
    good = item(0x01, bytes(8))
    malformed = [b"", item(0x01, bytes(7)), item(0x03, b""), item(0x04, b"\x01" + bytes(31)), good[:-1], good + b"\x01",
                 item(0x05, b"\x01\xff"), item(0x05, b"\x01" + b"a" * 256), item(0x07, b"\x05\x00\x06\x00"),
                 item(0x07, b"\x09\x00\x00\x01\x08\x00"), item(0x07, b"\x09\x00\x00\x7f\x00\x00"),
                 item(0x0C, bytes(7)), item(0x0C, bytes(17)), item(0x0D, b"\x02\x01\x00\x00"), good + item(0x03, b"")]
    for data in malformed:
        refused(control.parse_control, data)
    refused(control.parse_stream_control, b"\x00")
    refused(control.parse_stream_control, b"\x00" + item(0x03, b"\x01"))
    refused(control.parse_stream_control, b"\x80\x00" + item(0x04, b"\x01"))


def control_leniency():
    """Unknown kinds are skipped; a body longer than its fields is allowed."""
    equal(control.parse_control(item(0x7F, b"abc") + item(0x03, b"\x05more")), [("FLOW_CREDIT", {"limit": 5})])
    equal(control.parse_control(item(0x7F, b"")), [])
    equal(control.parse_stream_control(b"\x02" + item(0x05, b"\x07\x00")), (2, [("PRIORITY", {"priority": 7})]))


def acknowledged_ranges():
    """RFC 9000 §19.3.1."""
    ack = {"largest": 90, "first_range": 3, "ranges": [(0, 5), (7, 0)]}
    equal(control.acknowledged(ack), [(87, 90), (80, 85), (71, 71)])


def forged_hello(**changes):
    fields = tlv.decode(HELLO.payload) | changes
    data = tlv.encode({key: value for key, value in fields.items() if value is not None})
    return frame.seal_with_seed(CONTEXT, frame.HANDSHAKE, NAME, data, FRAME_NONCE, True)


def hello_refusals():
    """Spec protocol §4: types, sizes, version, commitment; unknown keys are ignored."""
    for changes in ({"version": 2}, {"version": True}, {"type": "RESPONSE"}, {"node_id": bytes(31)}, {"nonce": None},
                    {"commitment": bytes(32)}, {"timestamp": 1001}, {"capabilities": [1]}, {"node_id": "x" * 32},
                    {"padding": b""}):
        refused(handshake.read_hello, CONTEXT, forged_hello(**changes), NODES[1])
    later = tlv.encode(tlv.decode(HELLO.payload) | {"later": 1})
    equal(handshake.read_hello(CONTEXT, forged_hello(later=1), NODES[1])[1].payload, later)
    loose = b"\x41" + HELLO.payload[1:].replace(tlv.encode(1000), tlv.encode(tlv.Typed(tlv.INT32, 1000)))
    sealed = frame.seal_with_seed(CONTEXT, frame.HANDSHAKE, NAME, loose, FRAME_NONCE, True)
    refused(handshake.read_hello, CONTEXT, sealed, NODES[1])  # not canonical
    without_hint = frame.seal_with_seed(CONTEXT, frame.HANDSHAKE, NAME, HELLO.payload, FRAME_NONCE, False)
    refused(handshake.read_hello, CONTEXT, without_hint, NODES[1])


def response_refusals():
    equal(handshake.read_response(CONTEXT, RESPONSE.frame, HELLO, NAME)[1], PARTIES)
    refused(handshake.read_response, CONTEXT, RESPONSE.frame, HELLO, b"another0")
    other = handshake.build_hello(CONTEXT, NAME, NODES[0], NONCES[0], 1002, ["udp"], FRAME_NONCE)
    refused(handshake.read_response, CONTEXT, RESPONSE.frame, other, NAME)  # bound to the transcript
    reflected = handshake.Parties(NODES[0], NODES[0], *NONCES)
    own = handshake.build_response(CONTEXT, NAME, HELLO, reflected, 1001, ["udp"], FRAME_NONCE, b"\x06" * 16)
    refused(handshake.read_response, CONTEXT, own.frame, HELLO, NAME)
    equal((len(HELLO.frame), len(RESPONSE.frame)), (1200, 1200))


def frame_refusals():
    """Every truncation of a frame is refused; an epoch without a key does not open."""
    keys = Direction(bytes(32), NAME, "initiator", [b"\x07" * 32])
    sealed = frame.seal_session(keys, frame.DATA, 1, 300, 0, 1, b"plaintext")
    for size in range(len(sealed)):
        refused(frame.parse, sealed[:size])
    equal(frame.open_session(keys, frame.parse_whole(sealed)), b"plaintext")
    refused(frame.open_session, Direction(bytes(32), NAME, "initiator"), frame.parse_whole(sealed))
    refused(frame.open_session, Direction(bytes(32), NAME, "responder", [b"\x07" * 32]), frame.parse_whole(sealed))
    equal(frame.parse_datagram(sealed + b"\x53"), ([frame.parse_whole(sealed)], False))
    for size in range(len(HELLO.frame)):
        refused(frame.parse, HELLO.frame[:size])


def padding():
    equal([frame.unpad(frame.pad(data, len(data) + 3)) for data in (b"", b"\x80\x00")], [b"", b"\x80\x00"])
    for data in (b"", bytes(4), b"\x81\x00"):
        refused(frame.unpad, data)


def data_plaintext():
    refused(payload.parse, b"\x00\x05\x06a", frame.MESSAGE)  # back over offset
    refused(payload.parse, b"\x00", 0)
    refused(payload.parse, b"\x00" + varint.encode((1 << 62) - 1) + b"ab", 0)
    equal(payload.parse(b"\x00\x05\x05a", frame.MESSAGE), payload.Data(0, 5, 5, b"a"))


def folds_of_the_specification():
    """Spec stc §DSF, "checks that need no one's word"."""
    key = bytes(range(32))
    tag = "d526204a0bf50a8e705e2dabf6c4cedd7166e421cd338fbd6aa19b851627ea3e"
    equal(dsf.fold(key, b"\xa0", b"", 32), (b"", bytes.fromhex(tag)))
    cipher = "a7192a9312945987fedc4f04a5466434e9e57b23bbd2848b4fd2b0094387d997"
    tag = "18ad750e7eab6d1a6931fc4459ec41547cfcb5301c2dd45a4b0c330314e055a2"
    equal(dsf.fold(key, bytes(range(0xA0, 0xB0)), key, 32), (bytes.fromhex(cipher), bytes.fromhex(tag)))


def limits_of_stc():
    for key in (bytes(15), bytes(4097)):
        refused(cke.derive, key, {})
    for length in (0, 4097):
        refused(cke.derive, bytes(16), {}, length)
    for arguments in ((bytes(31), b"a", b"", 16), (bytes(32), b"", b"", 16), (bytes(32), b"a", b"", 17)):
        refused(dsf.fold, *arguments)
    refused(turboshake.turboshake128, b"", 0x80, 32)
    refused(tlv.encode, 1 << 64)
    refused(tlv.encode, -(1 << 63) - 1)
    refused(tlv.encode, "\ud800")


CHECKS = (control_refusals, control_leniency, acknowledged_ranges, hello_refusals, response_refusals, frame_refusals,
          padding, data_plaintext, folds_of_the_specification, limits_of_stc)


def main() -> int:
    tally = Tally()
    tally.section("model", [(check.__name__, check) for check in CHECKS])
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
