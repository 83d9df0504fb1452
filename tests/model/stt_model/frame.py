"""Frames: build, parse, seal, open, and every refusal. Spec protocol §3."""

from dataclasses import dataclass, replace

from . import dsf, varint
from .context import METADATA_SIZE as SEED_METADATA_SIZE, NONCE_SIZE, TAG_SIZE as SEED_TAG_SIZE, Context
from .errors import DoesNotOpen, Refused
from .stream import Direction

MAGIC = b"\x53\x54"
SESSION_ID_SIZE = 8
RESERVED, HANDSHAKE, DATA, CONTROL, STREAM_CONTROL, AUTH = range(6)
STREAM_END, MESSAGE, PRIORITY_HIGH, PRIORITY_LOW, PADDED = 0x04, 0x08, 0x10, 0x20, 0x40
FLAGS_RESERVED = 0x01 | 0x02 | 0x80
STREAM_ID_MAX = 65_535
PAYLOAD_SIZE_MAX = 65_535
METADATA_SIZE_MAX = 255

KIND_SEED, KIND_SEED_HINT, KIND_SESSION = 0x01, 0x02, 0x03
HINT_SIZE = 8
SESSION_TAG_SIZE = 16


@dataclass(frozen=True)
class Frame:
    type: int
    session_id: bytes
    stream_id: int
    sequence: int
    flags: int
    payload: bytes
    metadata: bytes

    def header(self) -> bytes:
        """From Magic to Payload Length inclusive."""
        return (MAGIC + bytes([self.type]) + self.session_id + varint.encode(self.stream_id)
                + varint.encode(self.sequence) + bytes([self.flags]) + varint.encode(len(self.payload)))

    def tag_size(self) -> int:
        return SESSION_TAG_SIZE if self.metadata[0] == KIND_SESSION else SEED_TAG_SIZE

    def tag(self) -> bytes:
        return self.metadata[-self.tag_size():]

    def associated(self) -> bytes:
        """The associated data: the header, followed by the crypto metadata without its tag."""
        return self.header() + self.metadata[:-self.tag_size()]

    def epoch(self) -> int:
        """Of a session frame: 0x03 ‖ epoch varint ‖ T(16)."""
        return varint.decode(self.metadata, 1)[0]

    def encoded(self) -> bytes:
        return self.header() + self.payload + varint.encode(len(self.metadata)) + self.metadata


def check(frame: Frame) -> None:
    """What §3 refuses of a frame whose bytes could be split."""
    outside_session = frame.type in (HANDSHAKE, AUTH)
    if frame.type == RESERVED:
        raise Refused("type RESERVED")
    if frame.flags & FLAGS_RESERVED:
        raise Refused("a reserved flag is set")
    if frame.stream_id > STREAM_ID_MAX:
        raise Refused("Stream ID over 65535")
    if frame.type == CONTROL and frame.stream_id != 0:
        raise Refused("CONTROL off stream 0")
    if frame.type in (DATA, STREAM_CONTROL) and frame.stream_id == 0:
        raise Refused("DATA or STREAM_CONTROL on stream 0")
    if outside_session and (frame.stream_id, frame.sequence, frame.flags) != (0, 0, 0):
        raise Refused("HANDSHAKE and AUTH have Stream ID 0, Sequence 0, Flags 0")
    check_metadata(frame.metadata, outside_session)


def check_metadata(metadata: bytes, outside_session: bool) -> None:
    """Kinds 1 and 2 occur only on HANDSHAKE and AUTH, kind 3 only on the others; anything else is refused."""
    kind = metadata[0] if metadata else None
    if kind == KIND_SESSION and not outside_session:
        _, end = varint.decode(metadata, 1)
        if len(metadata) - end != SESSION_TAG_SIZE:
            raise Refused("session metadata of a bad length")
    elif kind == KIND_SEED and outside_session:
        if len(metadata) != SEED_METADATA_SIZE:
            raise Refused("seed metadata of a bad length")
    elif kind == KIND_SEED_HINT and outside_session:
        if len(metadata) != SEED_METADATA_SIZE + HINT_SIZE:
            raise Refused("HELLO metadata of a bad length")
    else:
        raise Refused("metadata kind unknown or not of this frame type")


def parse(data: bytes, offset: int = 0) -> tuple[Frame, int]:
    """The frame at `offset`, and the offset after it."""
    if len(data) - offset < 3 + SESSION_ID_SIZE:
        raise Refused("frame cut off")
    if data[offset:offset + 2] != MAGIC:
        raise Refused("no Magic")
    frame_type = data[offset + 2]
    session_id = data[offset + 3:offset + 3 + SESSION_ID_SIZE]
    stream_id, at = varint.decode(data, offset + 3 + SESSION_ID_SIZE)
    sequence, at = varint.decode(data, at)
    if at == len(data):
        raise Refused("frame cut off")
    flags = data[at]
    payload, at = _sized(data, at + 1, PAYLOAD_SIZE_MAX)
    metadata, at = _sized(data, at, METADATA_SIZE_MAX)
    frame = Frame(frame_type, session_id, stream_id, sequence, flags, payload, metadata)
    check(frame)
    return frame, at


def _sized(data: bytes, offset: int, size_max: int) -> tuple[bytes, int]:
    size, start = varint.decode(data, offset)
    if size > size_max:
        raise Refused("over the limit")
    if size > len(data) - start:
        raise Refused("frame cut off")
    return data[start:start + size], start + size


def parse_whole(data: bytes) -> Frame:
    frame, end = parse(data)
    if end != len(data):
        raise Refused("bytes after the frame")
    return frame


def parse_datagram(data: bytes) -> tuple[list[Frame], bool]:
    """The frames back to back, and whether all was read: a frame that is refused ends the reading."""
    frames, at = [], 0
    while at < len(data):
        try:
            frame, at = parse(data, at)
        except Refused:
            return frames, False
        frames.append(frame)
    return frames, True


def seal_session(direction: Direction, frame_type: int, stream_id: int, sequence: int, flags: int, epoch: int,
                 plaintext: bytes) -> bytes:
    """A frame of a session. The associated data holds the Sequence, and so is never the same twice under one key."""
    blank = bytes([KIND_SESSION]) + varint.encode(epoch) + bytes(SESSION_TAG_SIZE)
    open_frame = Frame(frame_type, direction.session_id, stream_id, sequence, flags, plaintext, blank)
    check(open_frame)
    if len(plaintext) > PAYLOAD_SIZE_MAX:
        raise Refused("payload over the limit")
    key = direction.stream_key(epoch, stream_id)
    cipher, tag = dsf.fold(key, open_frame.associated(), plaintext, SESSION_TAG_SIZE)
    return replace(open_frame, payload=cipher, metadata=blank[:-SESSION_TAG_SIZE] + tag).encoded()


def open_session(direction: Direction, frame: Frame) -> bytes:
    """The plaintext as folded, padding included."""
    if frame.metadata[0] != KIND_SESSION or frame.session_id != direction.session_id:
        raise DoesNotOpen("not a frame of this session")
    key = direction.stream_key(frame.epoch(), frame.stream_id)
    return dsf.unfold(key, frame.associated(), frame.payload, frame.tag())


def _seed_context(frame: Frame) -> dict:
    return {"purpose": "frame", "header": frame.associated()}


def seal_with_seed(context: Context, frame_type: int, session_id: bytes, plaintext: bytes, nonce: bytes,
                   with_hint: bool) -> bytes:
    """A frame of the handshake: kind 2 for HELLO, kind 1 for the others."""
    prefix = bytes([KIND_SEED_HINT]) + context.seed_hint(nonce) if with_hint else bytes([KIND_SEED])
    prefix += nonce
    open_frame = Frame(frame_type, session_id, 0, 0, 0, plaintext, prefix + bytes(SEED_TAG_SIZE))
    check(open_frame)
    cipher, tag = context.fold_with_nonce(plaintext, _seed_context(open_frame), nonce)
    return replace(open_frame, payload=cipher, metadata=prefix + tag).encoded()


def open_with_seed(context: Context, frame: Frame) -> bytes:
    if frame.metadata[0] not in (KIND_SEED, KIND_SEED_HINT):
        raise DoesNotOpen("not a frame of a handshake")
    nonce = frame.metadata[:-SEED_TAG_SIZE][-NONCE_SIZE:]
    if frame.metadata[0] == KIND_SEED_HINT and frame.metadata[1:1 + HINT_SIZE] != context.seed_hint(nonce):
        raise DoesNotOpen("the hint of another seed")
    return context.unfold_with_nonce(frame.payload, _seed_context(frame), nonce, frame.tag())


def pad(plaintext: bytes, size: int) -> bytes:
    """PADDED: the plaintext ends in 0x80 0x00 … 0x00. `size` is with the 0x80."""
    if size <= len(plaintext):
        raise Refused("no room for the 0x80")
    return plaintext + b"\x80" + bytes(size - len(plaintext) - 1)


def unpad(plaintext: bytes) -> bytes:
    stripped = plaintext.rstrip(b"\x00")
    if not stripped.endswith(b"\x80"):
        raise Refused("no 0x80: error 1")
    return stripped[:-1]
