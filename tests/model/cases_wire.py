"""Random entries of wire.json. Sessions and frames use the keys of the run's own handshakes."""

from dataclasses import replace

from cases_random import MASK_64, Source, mutated
from stt_model import control, frame, handshake, payload, varint
from stt_model.context import Context
from stt_model.errors import Refused
from stt_model.stream import SENDERS, Direction

KNOWN_CAPABILITIES = ("streaming", "udp", "websocket")
ROTATIONS = 130  # so that the epoch's varint grows to two bytes
MESSAGE_NAMES = ("hello", "response", "auth_proof", "final")


class Session:
    """One direction of a session: keys of every epoch, and sequences that are never used twice."""

    def __init__(self, source: Source, made: dict, sender: str):
        self.source, self.sender = source, sender
        self.session_key, self.session_id = made["session_key"], made["session_id"]
        self.nonces = [source.randbytes(32) for _ in range(ROTATIONS)]
        self.keys = Direction(bytes.fromhex(self.session_key), bytes.fromhex(self.session_id), sender, self.nonces)
        self.used = set()

    def named(self) -> dict:
        return {"session_key": self.session_key, "session_id": self.session_id, "from": self.sender}

    def sequence(self, bits: int = 64) -> int:
        while (sequence := self.source.unsigned(bits)) in self.used:
            bits = 64
        self.used.add(sequence)
        return sequence

    def seal(self, frame_type: int, stream: int, flags: int, epoch: int, plaintext: bytes) -> tuple[int, bytes]:
        sequence = self.sequence()
        return sequence, frame.seal_session(self.keys, frame_type, stream, sequence, flags, epoch, plaintext)


def make(source: Source, count: int) -> dict:
    handshakes = [_handshake(source) for _ in range(max(2, min(5, count // 10)))]
    sessions = [Session(source, made, sender) for made in handshakes for sender in SENDERS]
    wire = {"frame": [_frame(source, source.choice(sessions), index < 2) for index in range(2 * count)],
            "handshake": handshakes, "rotation": [_rotation(source, session) for session in sessions[:4]],
            "datagram": [_datagram(source, source.choice(sessions)) for _ in range(count)],
            "refused": [], "unopenable": []}
    for _ in range(count):
        session = source.choice(sessions)
        _add_changed(source, wire, session, _small_frame(source, session))
    wire["refused"] += [_bad_by_rule(source, source.choice(sessions)).hex() for _ in range(2 * count)]
    for made in handshakes:
        _add_changed_handshake(source, wire, made)
    return wire


# --- handshakes -------------------------------------------------------------------------------------------------

def _handshake(source: Source) -> dict:
    seed, identities = source.seed_bytes(), [source.randbytes(32), source.randbytes(32)]
    context, name = Context(seed), source.randbytes(8)
    parties = handshake.Parties(*map(handshake.node_id, identities), source.randbytes(32), source.randbytes(32))
    offered = sorted({"udp", *source.sample(KNOWN_CAPABILITIES, source.randint(0, 3))})
    own = list({"udp": 0, **dict.fromkeys(source.sample(KNOWN_CAPABILITIES, source.randint(0, 3))), "x-test": 0})
    source.shuffle(own)
    start = source.unsigned(45)
    stamps = [start, *(start + source.randint(0, 5000) for _ in range(3))]
    nonces = {key: source.randbytes(16) for key in ("hello", "challenge", "response", "proof", "auth_proof", "final")}

    hello = handshake.build_hello(context, name, parties.initiator, parties.nonce_initiator, stamps[0], offered,
                                  nonces["hello"])
    response = handshake.build_response(context, name, hello, parties, stamps[1], own, nonces["challenge"],
                                        nonces["response"])
    th2 = handshake.transcript(hello.payload, response.payload)
    key = handshake.session_key(context, parties, stamps[0], th2)
    proof = handshake.build_auth_proof(context, parties, th2, stamps[2], nonces["proof"], nonces["auth_proof"])
    final = handshake.build_final(context, parties, key, stamps[3], nonces["final"])

    made = {"seed": seed.hex(), "initiator_identity": identities[0].hex(), "responder_identity": identities[1].hex(),
            "initiator_node_id": parties.initiator.hex(), "responder_node_id": parties.responder.hex(),
            "initiator_capabilities": offered, "responder_capabilities": own, "handshake_id": name.hex(),
            "nonce_initiator": parties.nonce_initiator.hex(), "nonce_responder": parties.nonce_responder.hex(),
            "timestamps": stamps, "frame_nonces": {key: nonce.hex() for key, nonce in nonces.items()}}
    for message_name, message in zip(MESSAGE_NAMES, (hello, response, proof, final)):
        made[f"{message_name}_payload"] = message.payload.hex()
        made[f"{message_name}_frame"] = message.frame.hex()
    return made | {"transcript": th2.hex(), "session_id": handshake.session_id(parties).hex(), "session_key": key.hex(),
                   "th1": handshake.transcript(hello.payload).hex()}


def _rotation(source: Source, session: Session) -> dict:
    epochs = sorted({0, 1, 2, 127, 128, ROTATIONS, source.randint(0, ROTATIONS)})
    streams = [(source.choice(epochs), source.choice((0, 1, 65_535, source.unsigned(16)))) for _ in range(5)]
    return {**session.named(), "nonces": [nonce.hex() for nonce in session.nonces],
            "direction_key": {str(epoch): session.keys.key(epoch).hex() for epoch in epochs},
            "stream_key": [{"epoch": epoch, "stream": stream, "key": session.keys.stream_key(epoch, stream).hex()}
                           for epoch, stream in streams]}


# --- frames -----------------------------------------------------------------------------------------------------

def _data(source: Source, flags: int) -> bytes:
    """Plaintext of DATA that a receiver could take. Spec protocol §7.1, §7.2."""
    offset, size = source.unsigned(60), source.size(0 if flags & frame.STREAM_END else 1, 1300)
    if not flags & frame.MESSAGE:
        return payload.build(payload.Data(source.unsigned(12), offset, None, source.randbytes(size)))
    length = source.randint(size, 100_000)
    message = varint.encode(length) + source.randbytes(length)
    back = 0 if size == 0 else source.randint(0, min(offset, len(message) - size))
    return payload.build(payload.Data(source.unsigned(12), offset, back, message[back:back + size]))


def _control_item(source: Source, table: dict) -> tuple[str, dict]:
    name, fields = source.choice(list(table.values()))
    values = {}
    for field in fields:
        key, kind = (field, None) if isinstance(field, str) else field
        if kind is None:
            values[key] = source.unsigned(40)
        elif kind == control.TEXT:
            values[key] = source.text(20)
        elif kind == control.ADDRESS:
            values[key] = source.randbytes(source.choice((6, 18)))
        elif kind == control.CREDITS:
            values[key] = [(source.randint(1, 65_535), source.unsigned(8), source.unsigned(40)) for _ in range(3)]
        elif kind == control.RANGES:
            values[key] = [(source.randint(0, 9), source.randint(0, 300)) for _ in range(source.randint(0, 4))]
            values["first_range"] = source.randint(0, 1000)
            values["largest"] = source.randint(10_000, 1 << 50)
        else:
            values[key] = source.randbytes(source.randint(0, 20) if kind == control.ANY else kind)
    if "priority" in values:
        values["priority"] = source.randint(0, 7)
    if name == "OPEN":
        values["kind"] = source.randint(0, 3)
    return name, values


def _content(source: Source, frame_type: int, flags: int) -> bytes:
    if frame_type == frame.DATA:
        return _data(source, flags)
    if frame_type == frame.CONTROL:
        items = [_control_item(source, control.CONTROL) for _ in range(source.randint(1, 4))]
        return control.build_control(items)
    if frame_type == frame.STREAM_CONTROL:
        items = [_control_item(source, control.STREAM_CONTROL) for _ in range(source.randint(1, 4))]
        return control.build_stream_control(source.unsigned(12), items)
    return source.bytes(0, 1400)


def _type_stream_flags(source: Source) -> tuple[int, int, int]:
    frame_type = source.choice((2, 2, 2, 3, 3, 4, 4, source.randint(0x06, 0x7F), source.randint(0x80, 0xFF)))
    stream = 0 if frame_type == frame.CONTROL else source.choice((1, 127, 128, 65_535, source.randint(1, 65_535)))
    flags = source.choice((0, 0, frame.PRIORITY_HIGH, frame.PRIORITY_LOW))
    if frame_type == frame.DATA:
        flags |= source.choice((0, frame.STREAM_END)) | source.choice((0, frame.MESSAGE))
    return frame_type, stream, flags


def _frame(source: Source, session: Session, is_long: bool) -> dict:
    frame_type, stream, flags = (0x80, 7, 0) if is_long else _type_stream_flags(source)
    plaintext = source.randbytes(frame.PAYLOAD_SIZE_MAX) if is_long else _content(source, frame_type, flags)
    if not is_long and source.random() < 0.3:
        flags |= frame.PADDED
        plaintext = frame.pad(plaintext, len(plaintext) + source.size(1, 300))
    epoch = source.choice((0, 0, 0, 1, 2, 3, source.randint(0, ROTATIONS)))
    sequence, sealed = session.seal(frame_type, stream, flags, epoch, plaintext)
    return {"session_key": session.session_key, "from": session.sender, "session_id": session.session_id,
            "rotation_nonces": [nonce.hex() for nonce in session.nonces[:epoch]], "type": frame_type, "stream": stream,
            "sequence": str(sequence), "flags": flags, "epoch": epoch, "plaintext": plaintext.hex(),
            "frame": sealed.hex()}


def _small_frame(source: Source, session: Session) -> bytes:
    frame_type, stream, flags = _type_stream_flags(source)
    return session.seal(frame_type, stream, flags, 0, source.randbytes(source.randint(1, 40)))[1]


def _datagram(source: Source, session: Session) -> dict:
    frames = [_small_frame(source, session).hex() for _ in range(source.randint(1, 6))]
    return {"datagram": "".join(frames), "frames": frames}


# --- what must not be taken -------------------------------------------------------------------------------------

def _add_changed(source: Source, wire: dict, session: Session, sealed: bytes, tries: int = 8) -> None:
    """Changes that leave a whole frame and bytes after it belong to neither list."""
    for _ in range(tries):
        changed = mutated(source, sealed)
        try:
            parsed, end = frame.parse(changed)
        except Refused:
            wire["refused"].append(changed.hex())
            continue
        if end != len(changed) or changed == sealed:
            continue
        try:
            frame.open_session(session.keys, parsed)
        except Refused:
            wire["unopenable"].append({**session.named(), "frame": changed.hex()})
            continue
        raise AssertionError(f"a changed frame opens: {changed.hex()}")


def _bad_by_rule(source: Source, session: Session) -> bytes:
    """One rule of §3 broken, everything else in order (the tag cannot matter: parsing comes first)."""
    good = frame.parse_whole(_small_frame(source, session))
    epoch = varint.encode(good.epoch())
    longer_epoch = epoch[:-1] + bytes([epoch[-1] | 0x80, 0x00])
    tag = good.tag()
    head = frame.MAGIC + bytes([good.type]) + good.session_id + varint.encode(good.stream_id)
    after_sequence = good.encoded()[len(head) + len(varint.encode(good.sequence)):]
    choices = [
        _raw(good, flags=good.flags | source.choice((0x01, 0x02, 0x80, 0x83))),
        _raw(good, type=source.choice((frame.RESERVED, frame.HANDSHAKE, frame.AUTH))),
        _raw(good, stream_id=source.choice((65_536, source.randint(65_536, MASK_64)))),
        _raw(good, type=source.choice((frame.DATA, frame.STREAM_CONTROL)), stream_id=0),
        _raw(good, type=frame.CONTROL, stream_id=source.randint(1, 65_535)),
        _raw(good, payload=bytes(frame.PAYLOAD_SIZE_MAX + 1)) if source.random() < 0.1 else _raw(good, metadata=b""),
        _raw(good, metadata=b"\x03" + longer_epoch + tag),
        _raw(good, metadata=b"\x03" + epoch + tag + source.choice((b"\x00", tag))),
        _raw(good, metadata=b"\x03" + epoch + tag[:-1]),
        _raw(good, metadata=b"\x03" + bytes(240) + tag[:source.choice((14, 15))]),
        _raw(good, metadata=b"\x01" + source.randbytes(48)),
        _raw(good, metadata=b"\x02" + source.randbytes(56)),
        _raw(good, metadata=bytes([source.choice((0, 4, 255))]) + source.randbytes(17)),
        head + bytes([0xFF] * 9 + [0x02]) + after_sequence,
        head + varint.encode(1 << 63)[:-1] + b"\x81\x00" + after_sequence,
    ]
    data = source.choice(choices)
    try:
        frame.parse(data)
    except Refused:
        return data
    raise AssertionError(f"the model takes {data.hex()}")


def _raw(good: frame.Frame, **changes) -> bytes:
    return replace(good, **changes).encoded()


def _add_changed_handshake(source: Source, wire: dict, made: dict) -> None:
    """Of HANDSHAKE and AUTH frames only the refused changes have a place in wire.json."""
    for name in MESSAGE_NAMES:
        good = frame.parse_whole(bytes.fromhex(made[f"{name}_frame"]))
        changes = source.choice(({"flags": frame.PADDED}, {"stream_id": 1}, {"sequence": 1}, {"type": frame.DATA},
                                 {"metadata": b"\x03\x00" + bytes(16)}, {"metadata": good.metadata + b"\x00"},
                                 {"type": 0x80}, {"metadata": good.metadata[:-1]}))
        data = _raw(good, **changes)
        try:
            frame.parse(data)
        except Refused:
            wire["refused"].append(data.hex())
            continue
        raise AssertionError(f"the model takes {data.hex()}")
