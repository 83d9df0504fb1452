"""CKE, Contextual Key Emergence: keys from a key and a context. Spec stc §CKE."""

from . import tlv, varint
from .errors import Refused
from .turboshake import RATE_128, turboshake128

DOMAIN_DERIVE = 0x12
KEY_SIZE_MIN, KEY_SIZE_MAX = 16, 4096
LENGTH_MAX = 4096


def keyblock(key: bytes) -> bytes:
    """varint(|K|) ‖ K ‖ 0…0 to a multiple of 168 bytes. Spec stc §Notation."""
    if not KEY_SIZE_MIN <= len(key) <= KEY_SIZE_MAX:
        raise Refused("key of a bad size")
    block = varint.encode(len(key)) + key
    return block + bytes(-len(block) % RATE_128)


def derive(key: bytes, context: dict, length: int = 32) -> bytes:
    if not 1 <= length <= LENGTH_MAX:
        raise Refused("bad output length")
    return turboshake128(keyblock(key) + tlv.encode(context), DOMAIN_DERIVE, length)
