"""DSF, Data-State Folding: authenticated encryption (TurboSHAKE128-Wrap). Spec stc §DSF."""

import hmac
import struct

from .errors import DoesNotOpen, Refused
from .permutation import permute

KEY_SIZE = 32
TAG_SIZES = (16, 32)
RHO = 160  # bytes that one call of the duplex takes: 20 lanes

# Trailers of the duplex calls.
KEY, DATA_BEFORE_PLAIN, DATA_ONLY, PLAIN, PLAIN_LAST = 1, 5, 7, 4, 6

_BLOCK = struct.Struct("<20Q")


def overwrite_duplex(state: list[int], block: bytes, trailer: int) -> list[int]:
    """od(X, e). Lane 20 is bytes 160 … 167 of the state; what lies above 0 … 159 is never overwritten."""
    full = 1 if len(block) == RHO else 0
    outer = block if full else block + b"\x01" + bytes(RHO - 1 - len(block))
    top = 1 << (trailer.bit_length() - 1)
    lane_20 = state[20] ^ (trailer + (top << full)) ^ (0x80 << 56)
    return permute([*_BLOCK.unpack(outer), lane_20, *state[21:]])


def _keyed_state(key: bytes, associated: bytes, tag_size: int, plain_is_empty: bool) -> list[int]:
    """The state after K and A."""
    if len(key) != KEY_SIZE or len(associated) < 1 or tag_size not in TAG_SIZES:
        raise Refused("bad size of key, associated data or tag")
    state = overwrite_duplex([0] * 25, key, KEY)
    while len(associated) > RHO:
        state = overwrite_duplex(state, associated[:RHO], DATA_BEFORE_PLAIN)
        associated = associated[RHO:]
    return overwrite_duplex(state, associated, DATA_ONLY if plain_is_empty else DATA_BEFORE_PLAIN)


def _outer(state: list[int]) -> bytes:
    return _BLOCK.pack(*state[:20])


def _fold_or_unfold(state: list[int], text: bytes, encrypting: bool) -> tuple[bytes, list[int]]:
    """The state goes on from the ciphertext in either direction."""
    result = bytearray()
    for at in range(0, len(text), RHO):
        block = text[at:at + RHO]
        other = bytes(a ^ b for a, b in zip(block, _outer(state)))
        last = at + RHO >= len(text)
        state = overwrite_duplex(state, other if encrypting else block, PLAIN_LAST if last else PLAIN)
        result += other
    return bytes(result), state


def fold(key: bytes, associated: bytes, plain: bytes, tag_size: int) -> tuple[bytes, bytes]:
    """(C, T). No (key, associated) may ever encrypt two different plaintexts."""
    state = _keyed_state(key, associated, tag_size, not plain)
    cipher, state = _fold_or_unfold(state, plain, encrypting=True)
    return cipher, _outer(state)[:tag_size]


def unfold(key: bytes, associated: bytes, cipher: bytes, tag: bytes) -> bytes:
    state = _keyed_state(key, associated, len(tag), not cipher)
    plain, state = _fold_or_unfold(state, cipher, encrypting=False)
    if not hmac.compare_digest(_outer(state)[:len(tag)], tag):
        raise DoesNotOpen("tag is wrong")
    return plain
