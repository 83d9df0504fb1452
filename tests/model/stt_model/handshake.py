"""HELLO, RESPONSE, AUTH_PROOF, FINAL: built from given inputs, and verified. Spec protocol §4.

No clock, no replay store, no half-open state: only what the bytes of one handshake decide.
"""

from dataclasses import dataclass

from . import frame, phe, tlv
from .context import METADATA_SIZE, Context
from .errors import DoesNotOpen, Refused

VERSION = 1
PADDED_FRAME_SIZE = 1200  # of HELLO and of RESPONSE
ID_SIZE = NONCE_SIZE = 32


@dataclass(frozen=True)
class Message:
    payload: bytes  # the canonical DICT
    frame: bytes


@dataclass(frozen=True)
class Parties:
    """What both sides know once HELLO and RESPONSE have passed."""
    initiator: bytes  # node ids
    responder: bytes
    nonce_initiator: bytes
    nonce_responder: bytes


def node_id(identity: bytes) -> bytes:
    return phe.digest(identity, {"purpose": "node_id"})


def transcript(*payloads: bytes) -> bytes:
    """th1 of (HELLO), th2 of (HELLO, RESPONSE)."""
    return phe.digest(b"".join(payloads), {"purpose": "transcript"})


def session_id(parties: Parties) -> bytes:
    columns = zip(parties.nonce_initiator, parties.nonce_responder, parties.initiator, parties.responder)
    return bytes(a ^ b ^ c ^ d for a, b, c, d in columns)[:frame.SESSION_ID_SIZE]


def session_key(context: Context, parties: Parties, hello_timestamp: int, th2: bytes) -> bytes:
    return context.derive_key({
        "purpose": "session_key", "nonce_a": parties.nonce_initiator, "nonce_b": parties.nonce_responder,
        "timestamp": hello_timestamp, "node_a": parties.initiator, "node_b": parties.responder, "transcript": th2}, 32)


def confirmation(key: bytes, nonce_initiator: bytes) -> bytes:
    return phe.digest(key + nonce_initiator, {"purpose": "auth_challenge"})


def _commitment(context: Context, nonce: bytes, node: bytes, timestamp: int) -> bytes:
    return context.hash(nonce + node, {"purpose": "hello_commitment", "timestamp": timestamp})


def _bound(purpose: str, parties: Parties, digest: bytes) -> dict:
    return {"purpose": purpose, "initiator": parties.initiator, "responder": parties.responder, "transcript": digest}


# --- building ---------------------------------------------------------------------------------------------------

def _seal(context: Context, frame_type: int, name: bytes, fields: dict, nonce: bytes, with_hint=False) -> Message:
    payload = tlv.encode(fields)
    return Message(payload, frame.seal_with_seed(context, frame_type, name, payload, nonce, with_hint))


def _seal_padded(context: Context, name: bytes, fields: dict, nonce: bytes, with_hint: bool) -> Message:
    """Padding makes the frame exactly 1200 bytes. The payload's length takes two bytes before and after it is added."""
    unpadded = _seal(context, frame.HANDSHAKE, name, {**fields, "padding": b""}, nonce, with_hint)
    if len(unpadded.frame) > PADDED_FRAME_SIZE:
        raise Refused("the message does not fit 1200 bytes")
    padding = bytes(PADDED_FRAME_SIZE - len(unpadded.frame))
    return _seal(context, frame.HANDSHAKE, name, {**fields, "padding": padding}, nonce, with_hint)


def build_hello(context: Context, handshake_id: bytes, node: bytes, nonce: bytes, timestamp: int,
                capabilities: list[str], frame_nonce: bytes) -> Message:
    fields = {"type": "HELLO", "version": VERSION, "node_id": node, "nonce": nonce, "timestamp": timestamp,
              "capabilities": sorted(capabilities), "commitment": _commitment(context, nonce, node, timestamp)}
    return _seal_padded(context, handshake_id, fields, frame_nonce, with_hint=True)


def build_response(context: Context, handshake_id: bytes, hello: Message, parties: Parties, timestamp: int,
                   capabilities: list[str], challenge_nonce: bytes, frame_nonce: bytes) -> Message:
    """`capabilities` are the responder's own: the message carries what both have."""
    offered = tlv.decode_strict(hello.payload)["capabilities"]
    challenge, metadata = context.encrypt(parties.nonce_initiator + parties.nonce_responder,
                                          _bound("handshake_challenge", parties, transcript(hello.payload)),
                                          challenge_nonce)
    fields = {"type": "RESPONSE", "version": VERSION, "node_id": parties.responder, "nonce": parties.nonce_responder,
              "timestamp": timestamp, "capabilities": sorted(set(offered) & set(capabilities)),
              "challenge": challenge, "metadata": metadata}
    return _seal_padded(context, handshake_id, fields, frame_nonce, with_hint=False)


def build_auth_proof(context: Context, parties: Parties, th2: bytes, timestamp: int, proof_nonce: bytes,
                     frame_nonce: bytes) -> Message:
    name = session_id(parties)
    proof, metadata = context.encrypt(name, _bound("auth_proof", parties, th2), proof_nonce)
    fields = {"type": "AUTH_PROOF", "session_id": name, "proof": proof, "metadata": metadata, "timestamp": timestamp}
    return _seal(context, frame.AUTH, name, fields, frame_nonce)


def build_final(context: Context, parties: Parties, key: bytes, timestamp: int, frame_nonce: bytes) -> Message:
    name = session_id(parties)
    fields = {"type": "FINAL", "session_id": name, "confirmation": confirmation(key, parties.nonce_initiator),
              "timestamp": timestamp}
    return _seal(context, frame.HANDSHAKE, name, fields, frame_nonce)


# --- verifying --------------------------------------------------------------------------------------------------

INTEGER = (int, None)
FIELDS = {
    "HELLO": {"version": INTEGER, "node_id": (bytes, ID_SIZE), "nonce": (bytes, NONCE_SIZE), "timestamp": INTEGER,
              "capabilities": (list, None), "commitment": (bytes, 32), "padding": (bytes, None)},
    "RESPONSE": {"version": INTEGER, "node_id": (bytes, ID_SIZE), "nonce": (bytes, NONCE_SIZE), "timestamp": INTEGER,
                 "capabilities": (list, None), "challenge": (bytes, 64), "metadata": (bytes, METADATA_SIZE),
                 "padding": (bytes, None)},
    "AUTH_PROOF": {"session_id": (bytes, 8), "proof": (bytes, 8), "metadata": (bytes, METADATA_SIZE),
                   "timestamp": INTEGER},
    "FINAL": {"session_id": (bytes, 8), "confirmation": (bytes, 32), "timestamp": INTEGER},
}


def check_fields(fields, name: str) -> dict:
    """Every field is there, of its type and size; unknown keys are ignored; a version other than 1 is refused."""
    if not isinstance(fields, dict) or fields.get("type") != name:
        raise Refused(f"not a {name}")
    for key, (kind, size) in FIELDS[name].items():
        value = fields.get(key)
        if type(value) is not kind or (size is not None and len(value) != size):
            raise Refused(f"{name}: bad {key}")
    if fields.get("version", VERSION) != VERSION:
        raise Refused("a version other than 1")
    if not all(isinstance(item, str) for item in fields.get("capabilities", [])):
        raise Refused("capabilities are strings")
    return fields


def open_message(context: Context, data: bytes, name: str) -> tuple[frame.Frame, Message, dict]:
    """Parses the frame, checks that type and metadata kind are this message's, opens it, reads the dict."""
    parsed = frame.parse_whole(data)
    expected_type = frame.AUTH if name == "AUTH_PROOF" else frame.HANDSHAKE
    expected_kind = frame.KIND_SEED_HINT if name == "HELLO" else frame.KIND_SEED
    if parsed.type != expected_type or parsed.metadata[0] != expected_kind:
        raise Refused(f"not the frame of a {name}")
    payload = frame.open_with_seed(context, parsed)
    fields = check_fields(tlv.decode_strict(payload), name)
    if "session_id" in FIELDS[name] and fields["session_id"] != parsed.session_id:
        raise Refused("session_id of the frame and of the message differ")
    return parsed, Message(payload, data), fields


def read_hello(context: Context, data: bytes, own_node: bytes) -> tuple[frame.Frame, Message, dict]:
    parsed, message, fields = open_message(context, data, "HELLO")
    if len(data) < PADDED_FRAME_SIZE:
        raise Refused("the answer would be larger than the question")
    if fields["node_id"] == own_node:
        raise Refused("a message of one's own, reflected")  # §4.4
    if fields["commitment"] != _commitment(context, fields["nonce"], fields["node_id"], fields["timestamp"]):
        raise Refused("bad commitment")
    return parsed, message, fields


def read_response(context: Context, data: bytes, hello: Message, handshake_id: bytes) -> tuple[Message, Parties, bytes]:
    """The message, the parties, and th2; `hello` is the initiator's own."""
    sent = tlv.decode_strict(hello.payload)
    parsed, message, fields = open_message(context, data, "RESPONSE")
    if parsed.session_id != handshake_id:
        raise Refused("another handshake's RESPONSE")
    if fields["node_id"] == sent["node_id"]:
        raise Refused("a message of one's own, reflected")
    parties = Parties(sent["node_id"], fields["node_id"], sent["nonce"], fields["nonce"])
    bound = _bound("handshake_challenge", parties, transcript(hello.payload))
    if context.decrypt(fields["challenge"], fields["metadata"], bound) != sent["nonce"] + fields["nonce"]:
        raise DoesNotOpen("the challenge is of other nonces")
    return message, parties, transcript(hello.payload, message.payload)


def read_auth_proof(context: Context, data: bytes, parties: Parties, th2: bytes) -> Message:
    parsed, message, fields = open_message(context, data, "AUTH_PROOF")
    if parsed.session_id != session_id(parties):
        raise Refused("another session's AUTH_PROOF")
    if context.decrypt(fields["proof"], fields["metadata"], _bound("auth_proof", parties, th2)) != parsed.session_id:
        raise DoesNotOpen("the proof is of another session_id")
    return message


def read_final(context: Context, data: bytes, parties: Parties, key: bytes) -> Message:
    parsed, message, fields = open_message(context, data, "FINAL")
    if parsed.session_id != session_id(parties) or fields["confirmation"] != confirmation(key, parties.nonce_initiator):
        raise Refused("bad confirmation")
    return message
