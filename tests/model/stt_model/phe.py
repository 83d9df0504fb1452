"""PHE, Probabilistic Hashing Engine: digests that depend on a context. Spec stc §PHE."""

from . import tlv, varint
from .cke import keyblock
from .kt128 import kt128
from .turboshake import turboshake128

DOMAIN_DIGEST = 0x10
DOMAIN_KEYED_DIGEST = 0x11


def _framed(context: dict | None) -> bytes:
    """varint(|c|) ‖ c; "an absent context is the empty dict"."""
    encoded = tlv.encode({} if context is None else context)
    return varint.encode(len(encoded)) + encoded


def digest(data: bytes, context: dict | None = None, length: int = 32) -> bytes:
    return turboshake128(_framed(context) + data, DOMAIN_DIGEST, length)


def keyed_digest(key: bytes, data: bytes, context: dict | None = None, length: int = 32) -> bytes:
    return turboshake128(keyblock(key) + _framed(context) + data, DOMAIN_KEYED_DIGEST, length)


def content_digest(data: bytes) -> bytes:
    return kt128(data, b"", 32)
