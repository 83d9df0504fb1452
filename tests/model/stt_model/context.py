"""What holds a shared seed. Spec stc §Context; chunks: Spec stc §Stream contexts. Randomness is always an argument."""

import struct

from . import cke, dsf, phe, tlv
from .errors import Refused

METADATA_KIND = 0x01
NONCE_SIZE = 16
TAG_SIZE = 32
METADATA_SIZE = 1 + NONCE_SIZE + TAG_SIZE


def application_context(context: dict) -> dict:
    """What an application asks for itself is wrapped, so that it never meets the protocol's own contexts."""
    return {"purpose": "app", "context": context}


def metadata(nonce: bytes, tag: bytes) -> bytes:
    return bytes([METADATA_KIND]) + nonce + tag


def split_metadata(value: bytes) -> tuple[bytes, bytes]:
    if len(value) != METADATA_SIZE or value[0] != METADATA_KIND:
        raise Refused("metadata is not 0x01 ‖ N ‖ T")
    return value[1:1 + NONCE_SIZE], value[1 + NONCE_SIZE:]


class Context:
    def __init__(self, seed: bytes):
        # 16 … 4096 bytes: the limits of a key of derive, checked there.
        root = cke.derive(seed, {"purpose": "stc_root", "version": 1})
        self._root = root
        self.hash_key = cke.derive(root, {"purpose": "hash"})
        self.encrypt_key = cke.derive(root, {"purpose": "encrypt"})
        self.derive_root = cke.derive(root, {"purpose": "derive"})

    def hash(self, data: bytes, context: dict, length: int = 32) -> bytes:
        return phe.keyed_digest(self.hash_key, data, context, length)

    def derive_key(self, context: dict, length: int = 32) -> bytes:
        return cke.derive(self.derive_root, context, length)

    def seed_hint(self, nonce: bytes) -> bytes:
        return cke.derive(self._root, {"purpose": "seed_hint", "nonce": nonce}, 8)

    def fold_with_nonce(self, data: bytes, context: dict, nonce: bytes) -> tuple[bytes, bytes]:
        """(C, T) of `encrypt`; frames of a handshake place N and T by themselves (Spec protocol §3)."""
        if len(nonce) != NONCE_SIZE:
            raise Refused("nonce is not 16 bytes")
        return dsf.fold(self.encrypt_key, nonce + tlv.encode(context), data, TAG_SIZE)

    def unfold_with_nonce(self, cipher: bytes, context: dict, nonce: bytes, tag: bytes) -> bytes:
        return dsf.unfold(self.encrypt_key, nonce + tlv.encode(context), cipher, tag)

    def encrypt(self, data: bytes, context: dict, nonce: bytes) -> tuple[bytes, bytes]:
        cipher, tag = self.fold_with_nonce(data, context, nonce)
        return cipher, metadata(nonce, tag)

    def decrypt(self, cipher: bytes, meta: bytes, context: dict) -> bytes:
        nonce, tag = split_metadata(meta)
        return self.unfold_with_nonce(cipher, context, nonce, tag)

    def chunk_stream(self, session_id: bytes, stream_id: int, sender: str) -> "ChunkStream":
        key = self.derive_key({"purpose": "chunks", "session_id": session_id, "stream_id": stream_id, "from": sender})
        return ChunkStream(key)


class ChunkStream:
    """encrypt_chunk and its inverse, for chunks outside frames."""

    def __init__(self, key: bytes):
        self._key = key

    @staticmethod
    def _associated(nonce: bytes, index: int, data: bytes) -> bytes:
        return nonce + struct.pack(">Q", index) + data

    def encrypt(self, chunk: bytes, index: int, data: bytes, nonce: bytes) -> tuple[bytes, bytes]:
        cipher, tag = dsf.fold(self._key, self._associated(nonce, index, data), chunk, TAG_SIZE)
        return cipher, metadata(nonce, tag)

    def decrypt(self, cipher: bytes, meta: bytes, index: int, data: bytes) -> bytes:
        nonce, tag = split_metadata(meta)
        return dsf.unfold(self._key, self._associated(nonce, index, data), cipher, tag)
