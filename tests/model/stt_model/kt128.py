"""KT128, the tree hash of files and chunks. Spec stc §PHE (content_digest); RFC 9861 §3."""

from .turboshake import turboshake128, turboshake256

CHUNK = 8192


def length_encode(value: int) -> bytes:
    """RFC 9861 §3.3: big-endian without leading zeros (zero: nothing), then the number of those bytes."""
    body = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return body + bytes([len(body)])


def _kangaroo_twelve(hash_function, leaf_size: int, message: bytes, customization: bytes, length: int) -> bytes:
    whole = message + customization + length_encode(len(customization))
    if len(whole) <= CHUNK:
        return hash_function(whole, 0x07, length)
    leaves = [whole[at:at + CHUNK] for at in range(0, len(whole), CHUNK)]
    node = [leaves[0], b"\x03" + bytes(7)]
    node += [hash_function(leaf, 0x0B, leaf_size) for leaf in leaves[1:]]
    node += [length_encode(len(leaves) - 1), b"\xff\xff"]
    return hash_function(b"".join(node), 0x06, length)


def kt128(message: bytes, customization: bytes = b"", length: int = 32) -> bytes:
    return _kangaroo_twelve(turboshake128, 32, message, customization, length)


def kt256(message: bytes, customization: bytes = b"", length: int = 64) -> bytes:
    """Not part of STC; here for the RFC's vectors."""
    return _kangaroo_twelve(turboshake256, 64, message, customization, length)
