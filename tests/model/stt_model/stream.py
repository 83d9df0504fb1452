"""Direction keys, their epochs, and stream keys. Spec stc §Stream contexts; Spec protocol §5.1."""

from .cke import derive
from .errors import DoesNotOpen, Refused
from .pcf import rotate

SENDERS = ("initiator", "responder")


class Direction:
    """All keys of one direction of a session whose rotation nonces are known. (A real peer wipes the old ones.)"""

    def __init__(self, session_key: bytes, session_id: bytes, sender: str, nonces: list[bytes] = ()):
        if sender not in SENDERS:
            raise Refused("a direction is from the initiator or from the responder")
        self.session_id = session_id
        self.keys = [derive(session_key, {"purpose": "direction", "from": sender})]
        for epoch, nonce in enumerate(nonces, start=1):
            self.keys.append(rotate(self.keys[-1], nonce, epoch))

    def key(self, epoch: int) -> bytes:
        if epoch >= len(self.keys):
            raise DoesNotOpen("an epoch that was never announced")  # Spec protocol §5.2: dropped
        return self.keys[epoch]

    def stream_key(self, epoch: int, stream_id: int) -> bytes:
        context = {"purpose": "stream", "session_id": self.session_id, "stream_id": stream_id}
        return derive(self.key(epoch), context)
