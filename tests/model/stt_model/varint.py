"""Unsigned LEB128, shortest form only. Spec protocol §1."""

from .errors import Refused

VALUE_MAX = (1 << 64) - 1
SIZE_MAX = 10


def encode(value: int) -> bytes:
    if not 0 <= value <= VALUE_MAX:
        raise Refused("varint value outside 0 … 2^64 - 1")
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def decode(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The value, and the offset after it."""
    value = 0
    for index in range(SIZE_MAX):
        if offset + index >= len(data):
            raise Refused("varint cut off")
        byte = data[offset + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if byte == 0 and index > 0:
                raise Refused("varint not in shortest form")
            if value > VALUE_MAX:
                raise Refused("varint over 64 bits")
            return value, offset + index + 1
    raise Refused("varint longer than 10 bytes")
