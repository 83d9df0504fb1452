"""The plaintext of DATA frames. Spec protocol §7.1, §7.2."""

from dataclasses import dataclass

from . import frame, varint
from .errors import Refused

OFFSET_LIMIT = 1 << 62


@dataclass(frozen=True)
class Data:
    use: int
    offset: int
    back: int | None  # only with MESSAGE
    bytes: bytes


def build(data: Data) -> bytes:
    back = b"" if data.back is None else varint.encode(data.back)
    return varint.encode(data.use) + varint.encode(data.offset) + back + data.bytes


def parse(plaintext: bytes, flags: int) -> Data:
    """What the bytes alone decide; whether an empty DATA is allowed, and the kind, is for the stream (§7.2, §7.3)."""
    use, at = varint.decode(plaintext)
    offset, at = varint.decode(plaintext, at)
    back = None
    if flags & frame.MESSAGE:
        back, at = varint.decode(plaintext, at)
        if back > offset:
            raise Refused("back over offset: error 5")
    rest = plaintext[at:]
    if offset + len(rest) > OFFSET_LIMIT:
        raise Refused("offset not below 2^62")
    return Data(use, offset, back, rest)
