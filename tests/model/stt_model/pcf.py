"""PCF, Polymorphic Cryptographic Flow: the one-way key ratchet. Spec stc §PCF."""

from .cke import derive
from .errors import Refused

NONCE_SIZE = 32


def rotate(key: bytes, nonce: bytes, epoch: int) -> bytes:
    if len(nonce) != NONCE_SIZE:
        raise Refused("rotation nonce is not 32 bytes")
    return derive(key, {"purpose": "rotation", "nonce": nonce, "epoch": epoch})
