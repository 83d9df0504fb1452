#!/usr/bin/env python3
"""Checks the model against every entry of a folder of vectors, both directions.

    check_vectors.py DIR [--long]

Prints a count for each section, and as the last line "N passed, N failed". Entries of rfc9861.json with a message
of over 100,000 bytes take a minute in Python and are left out without --long.
"""

import argparse
import json
import re
import sys
import traceback
from pathlib import Path

from json_values import from_json
from stt_model import cke, control, dsf, frame, handshake, kt128, payload, pcf, permutation, phe, tlv
from stt_model import turboshake, varint
from stt_model.context import Context
from stt_model.errors import Refused
from stt_model.stream import Direction

LONG = 100_000
hexed = bytes.fromhex


def equal(actual, expected) -> None:
    if actual != expected:
        def show(value):
            return value.hex() if isinstance(value, bytes) else repr(value)
        raise AssertionError(f"got {show(actual)[:200]}, expected {show(expected)[:200]}")


def refused(function, *arguments) -> None:
    try:
        function(*arguments)
    except Refused:
        return
    raise AssertionError("was taken, should be refused")


def flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def pattern(length: int) -> bytes:
    """ptn(n) of RFC 9861: 00 … fa, repeated."""
    cycle = bytes(range(0xFB))
    return (cycle * (length // len(cycle) + 1))[:length]


# --- stc.json ---------------------------------------------------------------------------------------------------

def check_permutation(entry):
    lanes = [int.from_bytes(hexed(entry["in"])[at:at + 8], "little") for at in range(0, 200, 8)]
    equal(b"".join(lane.to_bytes(8, "little") for lane in permutation.permute(lanes)), hexed(entry["out"]))


def check_turboshake(entry):
    output = hexed(entry["output"])
    equal(turboshake.turboshake128(hexed(entry["message"]), entry["domain"], len(output)), output)


def check_kt128(entry):
    equal(phe.content_digest(pattern(entry["pattern_length"])), hexed(entry["output"]))


def check_digest(entry):
    output = hexed(entry["output"])
    equal(phe.digest(hexed(entry["data"]), from_json(entry["context"]), len(output)), output)


def check_keyed_digest(entry):
    output = hexed(entry["output"])
    context = from_json(entry["context"])
    equal(phe.keyed_digest(hexed(entry["key"]), hexed(entry["data"]), context, len(output)), output)


def check_derive(entry):
    equal(cke.derive(hexed(entry["key"]), from_json(entry["context"]), entry["length"]), hexed(entry["output"]))


def check_fold(entry):
    key, associated, plain, cipher, tag = (hexed(entry[name]) for name in ("key", "ad", "plain", "cipher", "tag"))
    equal(dsf.fold(key, associated, plain, len(tag)), (cipher, tag))
    equal(dsf.unfold(key, associated, cipher, tag), plain)
    refused(dsf.unfold, key, associated, cipher, flipped(tag))
    refused(dsf.unfold, key, flipped(associated), cipher, tag)


def check_context(entry):
    context, label = Context(hexed(entry["seed"])), from_json(entry["context"])
    data, nonce = hexed(entry["data"]), hexed(entry["nonce"])
    equal(context.hash(data, label), hexed(entry["hash"]))
    equal(context.derive_key(label), hexed(entry["derive_key"]))
    equal(context.seed_hint(nonce), hexed(entry["seed_hint"]))
    cipher, metadata = hexed(entry["encrypted"]), hexed(entry["metadata"])
    equal(context.encrypt(data, label, nonce), (cipher, metadata))
    equal(context.decrypt(cipher, metadata, label), data)
    refused(context.decrypt, cipher, flipped(metadata), label)
    refused(context.decrypt, cipher, flipped(metadata, 0), label)
    chunk = entry["chunk"]
    stream = context.chunk_stream(hexed(chunk["session_id"]), chunk["stream_id"], chunk["from"])
    cipher, metadata, own = hexed(chunk["encrypted"]), hexed(chunk["metadata"]), hexed(chunk["data"])
    equal(stream.encrypt(data, chunk["index"], own, nonce), (cipher, metadata))
    equal(stream.decrypt(cipher, metadata, chunk["index"], own), data)
    refused(stream.decrypt, cipher, metadata, chunk["index"] + 1, own)


def check_rotate(entry):
    equal(pcf.rotate(hexed(entry["key"]), hexed(entry["nonce"]), entry["epoch"]), hexed(entry["output"]))


# --- codec.json -------------------------------------------------------------------------------------------------

def check_varint(entry):
    data = hexed(entry["bytes"])
    equal(varint.encode(int(entry["value"])), data)
    equal(varint.decode(data), (int(entry["value"]), len(data)))


def check_varint_refused(entry):
    refused(varint.decode, hexed(entry))


def check_tlv(entry):
    data = hexed(entry["bytes"])
    equal(tlv.encode(from_json(entry["value"])), data)
    for decode in (tlv.decode, tlv.decode_strict):
        equal(repr(sorted_keys(decode(data))), repr(sorted_keys(from_json(entry["value"]))))  # repr: NaN, -0.0, True


def sorted_keys(value):
    if isinstance(value, list):
        return [sorted_keys(item) for item in value]
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value, key=str.encode)}
    return value


def check_tlv_refused(entry):
    refused(tlv.decode, hexed(entry))
    refused(tlv.decode_strict, hexed(entry))


def check_tlv_not_canonical(entry):
    tlv.decode(hexed(entry))
    refused(tlv.decode_strict, hexed(entry))


# --- wire.json --------------------------------------------------------------------------------------------------

def direction(entry, nonces=()) -> Direction:
    return Direction(hexed(entry["session_key"]), hexed(entry["session_id"]), entry["from"], [hexed(n) for n in nonces])


def check_frame(entry):
    keys, plaintext, data = direction(entry, entry["rotation_nonces"]), hexed(entry["plaintext"]), hexed(entry["frame"])
    sequence, epoch = int(entry["sequence"]), entry["epoch"]
    equal(frame.seal_session(keys, entry["type"], entry["stream"], sequence, entry["flags"], epoch, plaintext), data)
    parsed = frame.parse_whole(data)
    equal((parsed.type, parsed.stream_id, parsed.sequence, parsed.flags, parsed.epoch(), parsed.session_id),
          (entry["type"], entry["stream"], sequence, entry["flags"], epoch, hexed(entry["session_id"])))
    equal(parsed.encoded(), data)
    equal(frame.open_session(keys, parsed), plaintext)
    refused(frame.open_session, keys, frame.parse_whole(flipped(data)))
    inner = plaintext
    if entry["flags"] & frame.PADDED:
        inner = frame.unpad(plaintext)
        equal(frame.pad(inner, len(plaintext)), plaintext)
    if entry["type"] == frame.DATA:
        equal(payload.build(payload.parse(inner, entry["flags"])), inner)
    elif entry["type"] == frame.CONTROL:
        equal(control.build_control(control.parse_control(inner)), inner)
    elif entry["type"] == frame.STREAM_CONTROL:
        equal(control.build_stream_control(*control.parse_stream_control(inner)), inner)


def check_handshake(entry):
    context, stamps = Context(hexed(entry["seed"])), entry["timestamps"]
    nonces = {name: hexed(value) for name, value in entry["frame_nonces"].items()}
    name = hexed(entry["handshake_id"])
    parties = handshake.Parties(handshake.node_id(hexed(entry["initiator_identity"])),
                                handshake.node_id(hexed(entry["responder_identity"])),
                                hexed(entry["nonce_initiator"]), hexed(entry["nonce_responder"]))
    equal(parties.initiator, hexed(entry["initiator_node_id"]))
    equal(parties.responder, hexed(entry["responder_node_id"]))
    equal(handshake.session_id(parties), hexed(entry["session_id"]))

    hello = handshake.build_hello(context, name, parties.initiator, parties.nonce_initiator, stamps[0],
                                  entry["initiator_capabilities"], nonces["hello"])
    equal_message(entry, "hello", hello)
    equal(handshake.read_hello(context, hello.frame, parties.responder)[1], hello)
    refused(handshake.read_hello, context, hello.frame, parties.initiator)  # reflected
    equal(handshake.transcript(hello.payload), hexed(entry["th1"]))

    response = handshake.build_response(context, name, hello, parties, stamps[1], entry["responder_capabilities"],
                                        nonces["challenge"], nonces["response"])
    equal_message(entry, "response", response)
    th2 = hexed(entry["transcript"])
    equal(handshake.read_response(context, response.frame, hello, name), (response, parties, th2))

    key = handshake.session_key(context, parties, stamps[0], th2)
    equal(key, hexed(entry["session_key"]))
    proof = handshake.build_auth_proof(context, parties, th2, stamps[2], nonces["proof"], nonces["auth_proof"])
    equal_message(entry, "auth_proof", proof)
    equal(handshake.read_auth_proof(context, proof.frame, parties, th2), proof)
    refused(handshake.read_auth_proof, context, proof.frame, parties, flipped(th2))

    final = handshake.build_final(context, parties, key, stamps[3], nonces["final"])
    equal_message(entry, "final", final)
    equal(handshake.read_final(context, final.frame, parties, key), final)
    refused(handshake.read_final, context, final.frame, parties, flipped(key))
    refused(handshake.read_hello, context, flipped(hello.frame), parties.responder)
    refused(handshake.read_hello, Context(flipped(hexed(entry["seed"]))), hello.frame, parties.responder)


def equal_message(entry, name, message):
    equal(message.payload, hexed(entry[f"{name}_payload"]))
    equal(message.frame, hexed(entry[f"{name}_frame"]))


def check_rotation(entry):
    keys = direction(entry, entry["nonces"])
    for epoch, key in entry["direction_key"].items():
        equal(keys.key(int(epoch)), hexed(key))
    for item in entry["stream_key"]:
        equal(keys.stream_key(item["epoch"], item["stream"]), hexed(item["key"]))


def check_datagram(entry):
    frames, complete = frame.parse_datagram(hexed(entry["datagram"]))
    equal((complete, [item.encoded().hex() for item in frames]), (True, entry["frames"]))


def check_refused(entry):
    refused(frame.parse, hexed(entry))


def check_unopenable(entry):
    parsed = frame.parse_whole(hexed(entry["frame"]))
    refused(frame.open_session, direction(entry), parsed)


# --- rfc9861.json -----------------------------------------------------------------------------------------------

OCTETS = r"(?:`([0-9A-F ]+)`(\^0)?|ptn\((\d+)(?:\*\*(\d+))?(?: bytes)?\))"
NAME = re.compile(rf"(TurboSHAKE|KT)(128|256)\((?:M=)?{OCTETS}, (?:C={OCTETS}|D=`(..)`), (\d+)\)"
                  r"(?:, last (\d+) bytes)?")


def rfc_string(octets, empty, base, power) -> bytes:
    if octets:
        return b"" if empty else hexed(octets)
    return pattern(int(base) ** int(power or 1))


def check_rfc(name, output, allow_long) -> bool:
    """False: left out."""
    match = NAME.fullmatch(name)
    if not match:
        raise AssertionError("cannot read this name")
    fields = match.groups()
    if not allow_long and fields[4] and int(fields[4]) ** int(fields[5] or 1) > LONG:
        return False
    message, length = rfc_string(*fields[2:6]), int(fields[11])
    if fields[0] == "TurboSHAKE":
        function = turboshake.turboshake128 if fields[1] == "128" else turboshake.turboshake256
        actual = function(message, int(fields[10], 16), length)
    else:
        function = kt128.kt128 if fields[1] == "128" else kt128.kt256
        actual = function(message, rfc_string(*fields[6:10]), length)
    equal(actual[-int(fields[12] or length):], hexed(output))
    return True


# --- running ----------------------------------------------------------------------------------------------------

FILES = {
    "stc.json": {"permutation": check_permutation, "turboshake128": check_turboshake, "kt128": check_kt128,
                 "digest": check_digest, "keyed_digest": check_keyed_digest, "derive": check_derive,
                 "fold": check_fold, "context": check_context, "rotate": check_rotate},
    "codec.json": {"varint": check_varint, "varint_refused": check_varint_refused, "tlv": check_tlv,
                   "tlv_refused": check_tlv_refused, "tlv_not_canonical": check_tlv_not_canonical},
    "wire.json": {"frame": check_frame, "handshake": check_handshake, "rotation": check_rotation,
                  "datagram": check_datagram, "refused": check_refused, "unopenable": check_unopenable},
}


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def section(self, name, cases) -> None:
        """`cases`: (label, function) pairs; a function that returns False left its case out."""
        passed = failed = left_out = 0
        for label, function in cases:
            try:
                if function() is False:
                    left_out += 1
                else:
                    passed += 1
            except Exception as reason:  # a model that stumbles has failed the case
                failed += 1
                print(f"FAILED {name} {label}: {type(reason).__name__}: {reason}")
                if not isinstance(reason, AssertionError):
                    traceback.print_exc(limit=-3)
        print(f"{name}: {passed} passed, {failed} failed" + (f", {left_out} left out (--long)" if left_out else ""))
        self.passed += passed
        self.failed += failed


def check_folder(folder: Path, allow_long: bool = False) -> Tally:
    tally = Tally()
    for file_name, sections in FILES.items():
        content = json.loads((folder / file_name).read_text())
        if set(content) != set(sections):
            raise SystemExit(f"{file_name}: sections {sorted(content)}, known are {sorted(sections)}")
        for section, check in sections.items():
            cases = [(index, lambda e=entry, c=check: c(e)) for index, entry in enumerate(content[section])]
            tally.section(f"{file_name} {section}", cases)
    rfc = folder / "rfc9861.json"
    if rfc.exists():  # random cases have none
        cases = [(name, lambda n=name, o=output: check_rfc(n, o, allow_long))
                 for name, output in json.loads(rfc.read_text()).items()]
        tally.section("rfc9861.json", cases)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--long", action="store_true", help="also the messages of over 100,000 bytes")
    arguments = parser.parse_args()
    tally = check_folder(arguments.folder, arguments.long)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
