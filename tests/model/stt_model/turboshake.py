"""TurboSHAKE (RFC 9861 §2) on the sponge of FIPS 202. STC uses TurboSHAKE128 alone; 256 is for the RFC's vectors."""

import struct

from .errors import Refused
from .permutation import permute

RATE_128 = 168
RATE_256 = 136


def sponge(message: bytes, domain: int, length: int, rate: int = RATE_128, rounds: int = 12) -> bytes:
    """Absorbs message ‖ domain ‖ 0…0, the last byte of the last block ^ 0x80, and squeezes `length` bytes."""
    if not 0x01 <= domain <= 0x7F:
        raise Refused("domain byte outside 0x01 … 0x7f")  # RFC 9861 §2.2
    lanes = rate // 8
    layout = struct.Struct(f"<{lanes}Q")
    padded = bytearray(message)
    padded.append(domain)
    padded.extend(bytes(-len(padded) % rate))
    padded[-1] ^= 0x80
    state = [0] * 25
    for block in layout.iter_unpack(padded):
        for lane in range(lanes):
            state[lane] ^= block[lane]
        state = permute(state, rounds)
    output = bytearray(layout.pack(*state[:lanes]))
    while len(output) < length:
        state = permute(state, rounds)
        output.extend(layout.pack(*state[:lanes]))
    return bytes(output[:length])


def turboshake128(message: bytes, domain: int, length: int) -> bytes:
    return sponge(message, domain, length, RATE_128)


def turboshake256(message: bytes, domain: int, length: int) -> bytes:
    return sponge(message, domain, length, RATE_256)
