"""Random entries of codec.json. Which list a changed encoding belongs to is the model's verdict."""

import struct

from cases_random import Source, mutated
from json_values import to_json
from stt_model import tlv, varint
from stt_model.errors import Refused

CHANGES_PER_CASE = 12
BROKEN_TEXT = [b"\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
               b"\xc3", b"\xe4\xb8", b"a\xff"]


def make(source: Source, count: int) -> dict:
    codec = {"varint": [_varint(source) for _ in range(2 * count)],
             "varint_refused": sorted({_varint_refused(source) for _ in range(2 * count)}),
             "tlv": [], "tlv_refused": [], "tlv_not_canonical": []}
    seen = set()
    for data in _encodings(source, count):
        if data not in seen:
            seen.add(data)
            _classify(codec, data)
    for name in ("tlv_refused", "tlv_not_canonical"):
        codec[name] = source.sample(codec[name], min(len(codec[name]), 6 * count))
    return codec


def _varint(source):
    value = source.unsigned()
    return {"value": str(value), "bytes": varint.encode(value).hex()}


def _varint_refused(source) -> str:
    """A longer form, a cut-off one, a value over 64 bits; now and then any bytes, if they are refused."""
    encoded = varint.encode(source.unsigned())
    candidates = [encoded[:source.randrange(len(encoded))],
                  encoded[:-1] + bytes([encoded[-1] | 0x80]) + b"\x80" * source.randint(0, 2) + b"\x00",
                  bytes(source.randrange(0x80, 0x100) for _ in range(9)) + bytes([source.randint(0x02, 0x7F)]),
                  bytes(source.randrange(0x80, 0x100) for _ in range(source.randint(1, 14)))]
    data = source.choice(candidates)
    try:
        varint.decode(data)
    except Refused:
        return data.hex()
    return _varint_refused(source)


def _classify(codec: dict, data: bytes) -> None:
    try:
        value = tlv.decode(data)
    except Refused:
        codec["tlv_refused"].append(data.hex())
        return
    try:
        tlv.decode_strict(data)
    except Refused:
        codec["tlv_not_canonical"].append(data.hex())
        return
    codec["tlv"].append({"value": to_json(value), "bytes": data.hex()})


def _encodings(source, count):
    yield from (tlv.encode(float("nan")), b"\x21\xff\xf8" + bytes(6), b"\x20\x7f\xc0\x00\x00")
    for depth in (tlv.DEPTH_MAX - 1, tlv.DEPTH_MAX, tlv.DEPTH_MAX + 1):
        yield _nested(source, depth)
    yield from (b"\x31" + struct.pack(">I", len(text)) + text for text in BROKEN_TEXT)
    for _ in range(count):
        value = source.value() if source.random() < 0.4 else source.dict()
        yield tlv.encode(value)
        for _ in range(3):
            yield _freely_encoded(source, value)
        for _ in range(CHANGES_PER_CASE):
            yield mutated(source, tlv.encode(value))
        yield _count_too_high(source)
        yield _dict([("a", b"\x00"), (source.choice("ab"), b"\x02"), ("c", tlv.encode(source.value(1)))])
        yield bytes([source.randrange(256)]) + source.randbytes(source.randint(0, 9))


def _nested(source, depth: int) -> bytes:
    """`depth` LISTs and DICTs inside one another."""
    data = b""
    for _ in range(depth):
        if not data:
            data = source.choice((b"\x40", b"\x41")) + bytes(4)
        elif source.random() < 0.5:
            data = b"\x40\x00\x00\x00\x01" + data
        else:
            data = _dict([("k", data)])
    return data


def _dict(entries: list[tuple[str, bytes]]) -> bytes:
    """As given: unordered and with duplicates, if so."""
    return b"\x41" + struct.pack(">I", len(entries)) + b"".join(tlv.encode(key) + body for key, body in entries)


def _count_too_high(source) -> bytes:
    """A count or length that the rest, though not empty, cannot hold."""
    tag = source.choice((tlv.BYTES, tlv.STRING, tlv.LIST, tlv.DICT))
    rest = bytes(source.randint(0, 20))
    least = {tlv.DICT: len(rest) // 6, tlv.LIST: len(rest)}.get(tag, len(rest))
    return bytes([tag]) + struct.pack(">I", source.choice((least + 1, least + 2, 1 << 31, 0xFFFFFFFF))) + rest


def _freely_encoded(source, value) -> bytes:
    """An encoding that the lenient decoder takes: any type that holds a number, keys in any order."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        tags = [tag for tag in tlv.NUMBERS if (tag >= tlv.FLOAT32) == isinstance(value, float)]
        for tag in source.sample(tags, len(tags)):
            try:
                return tlv.encode(tlv.Typed(tag, value))
            except Refused:
                continue
    if isinstance(value, list):
        return b"\x40" + struct.pack(">I", len(value)) + b"".join(_freely_encoded(source, item) for item in value)
    if isinstance(value, dict):
        keys = source.sample(list(value), len(value))
        return _dict([(key, _freely_encoded(source, value[key])) for key in keys])
    return tlv.encode(value)
