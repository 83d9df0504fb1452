"""The STT binary format. Spec protocol §2.

Python's None, bool, int, float, bytes, str, list and dict are the values. `Typed` writes a number under a tag of
one's own choice; decoding gives plain numbers back.
"""

import math
import struct
from dataclasses import dataclass

from .errors import Refused

NULL, FALSE, TRUE = 0x00, 0x01, 0x02
INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(0x10, 0x18)
FLOAT32, FLOAT64 = 0x20, 0x21
BYTES, STRING = 0x30, 0x31
LIST, DICT = 0x40, 0x41

DEPTH_MAX = 64  # LISTs and DICTs inside one another
ENTRY_SIZE_MIN = 6  # the least of a DICT: tag and length of an empty key, tag of a value

NUMBERS = {INT8: ">b", INT16: ">h", INT32: ">i", INT64: ">q",
           UINT8: ">B", UINT16: ">H", UINT32: ">I", UINT64: ">Q", FLOAT32: ">f", FLOAT64: ">d"}
CANONICAL_NAN = bytes.fromhex("7ff8000000000000")


@dataclass(frozen=True)
class Typed:
    """"A program may also write an explicitly typed UINT8 … UINT32 or FLOAT32": not canonical."""
    tag: int
    value: int | float


def _u32(value: int) -> bytes:
    if value > 0xFFFFFFFF:
        raise Refused("longer than a u32 can say")
    return struct.pack(">I", value)


def _number(tag: int, value) -> bytes:
    try:
        return bytes([tag]) + struct.pack(NUMBERS[tag], value)
    except (struct.error, OverflowError) as reason:
        raise Refused("number does not fit its type") from reason


def _integer(value: int) -> bytes:
    """The smallest signed type that holds it, and UINT64 only above 2^63 - 1."""
    for tag, bits in ((INT8, 7), (INT16, 15), (INT32, 31), (INT64, 63)):
        if -(1 << bits) <= value < 1 << bits:
            return _number(tag, value)
    return _number(UINT64, value)


def _string(value: str) -> bytes:
    try:
        text = value.encode("utf-8")
    except UnicodeEncodeError as reason:
        raise Refused("string is not Unicode text") from reason
    return bytes([STRING]) + _u32(len(text)) + text


def encode(value, depth: int = 0) -> bytes:
    """The canonical encoding (but for what is `Typed`)."""
    if value is None:
        return bytes([NULL])
    if value is False or value is True:
        return bytes([TRUE if value else FALSE])
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return bytes([FLOAT64]) + (CANONICAL_NAN if math.isnan(value) else struct.pack(">d", value))
    if isinstance(value, Typed):
        return _number(value.tag, value.value)
    if isinstance(value, bytes):
        return bytes([BYTES]) + _u32(len(value)) + value
    if isinstance(value, str):
        return _string(value)
    if depth == DEPTH_MAX:
        raise Refused("nested too deeply")
    if isinstance(value, list):
        return bytes([LIST]) + _u32(len(value)) + b"".join(encode(item, depth + 1) for item in value)
    if isinstance(value, dict):
        entries = sorted(value.items(), key=lambda entry: entry[0].encode("utf-8"))
        body = b"".join(_string(key) + encode(item, depth + 1) for key, item in entries)
        return bytes([DICT]) + _u32(len(entries)) + body
    raise TypeError(f"no tag for {type(value).__name__}")


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.offset = 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.offset:
            raise Refused("cut off")
        self.offset += size
        return self.data[self.offset - size:self.offset]

    def count(self, item_size_min: int) -> int:
        """A count that the remaining input cannot hold is refused before anything is allocated."""
        count = struct.unpack(">I", self.take(4))[0]
        if count * item_size_min > len(self.data) - self.offset:
            raise Refused("count exceeds the input")
        return count

    def text(self) -> str:
        try:
            return self.take(self.count(1)).decode("utf-8")
        except UnicodeDecodeError as reason:
            raise Refused("invalid UTF-8") from reason

    def value(self, depth: int):
        tag = self.take(1)[0]
        if tag in (NULL, FALSE, TRUE):
            return {NULL: None, FALSE: False, TRUE: True}[tag]
        if tag in NUMBERS:
            layout = NUMBERS[tag]
            return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        if tag == BYTES:
            return self.take(self.count(1))
        if tag == STRING:
            return self.text()
        if tag not in (LIST, DICT):
            raise Refused("unknown tag")
        if depth == DEPTH_MAX:
            raise Refused("nested too deeply")
        if tag == LIST:
            return [self.value(depth + 1) for _ in range(self.count(1))]
        return self.dict(depth)

    def dict(self, depth: int) -> dict:
        result = {}
        for _ in range(self.count(ENTRY_SIZE_MIN)):
            if self.take(1)[0] != STRING:
                raise Refused("key is not a STRING")
            key = self.text()
            if key in result:
                raise Refused("duplicate key")
            result[key] = self.value(depth + 1)
        return result


def decode(data: bytes):
    """Lenient: takes every tag and any order of keys."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.offset != len(data):
        raise Refused("trailing bytes")
    return value


def decode_strict(data: bytes):
    """Also refuses what is not canonical: what does not come back as the same bytes."""
    value = decode(data)
    if encode(value) != data:
        raise Refused("not canonical")
    return value
