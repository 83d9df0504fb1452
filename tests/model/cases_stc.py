"""Random entries of stc.json."""

from cases_random import Source
from check_vectors import pattern
from json_values import to_json
from stt_model import cke, dsf, pcf, permutation, phe, turboshake
from stt_model.context import Context

KT_EDGES = (0, 1, 8190, 8191, 8192, 8193, 16383, 16384, 16385, 3 * 8192, 5 * 8192 - 1, 9 * 8192 + 1, 17 * 8192)


def make(source: Source, count: int) -> dict:
    def entries(function, long_ones: int = 0):
        """The last ones are of the long kind."""
        return [function(source, index >= count - long_ones) for index in range(count)]

    return {"permutation": entries(_permutation), "turboshake128": entries(_turboshake, 1),
            "kt128": [_kt128(source) for _ in range(max(2, count // 4))], "digest": entries(_digest, 1),
            "keyed_digest": entries(_keyed_digest, 1), "derive": entries(_derive, 1), "fold": entries(_fold, 2),
            "context": [_context(source) for _ in range(max(2, count // 2))], "rotate": entries(_rotate)}


def _permutation(source, _long):
    before = source.randbytes(200)
    lanes = permutation.permute([int.from_bytes(before[at:at + 8], "little") for at in range(0, 200, 8)])
    return {"in": before.hex(), "out": b"".join(lane.to_bytes(8, "little") for lane in lanes).hex()}


def _turboshake(source, is_long):
    message, domain = source.bytes(0, 50_000 if is_long else 700), source.randint(0x01, 0x7F)
    output = turboshake.turboshake128(message, domain, source.size(1, 500))
    return {"message": message.hex(), "domain": domain, "output": output.hex()}


def _kt128(source):
    length = source.choice(KT_EDGES) if source.random() < 0.6 else source.randint(0, 200_000)
    return {"pattern_length": length, "output": phe.content_digest(pattern(length)).hex()}


def _digest(source, is_long):
    data, context = source.bytes(0, 50_000 if is_long else 700), source.context()
    return {"data": data.hex(), "context": to_json(context), "output": phe.digest(data, context).hex()}


def _keyed_digest(source, is_long):
    key, data, context = source.seed_bytes(), source.bytes(0, 50_000 if is_long else 700), source.context()
    output = phe.keyed_digest(key, data, context)
    return {"key": key.hex(), "data": data.hex(), "context": to_json(context), "output": output.hex()}


def _derive(source, is_long):
    key, context, length = source.seed_bytes(), source.context(), 4096 if is_long else source.size(1, 500)
    return {"key": key.hex(), "context": to_json(context), "length": length,
            "output": cke.derive(key, context, length).hex()}


def _fold(source, is_long):
    key, associated = source.randbytes(32), source.bytes(1, 500)
    plain = source.randbytes(65_535) if is_long else source.bytes(0, 1500 if source.random() < 0.5 else 340)
    cipher, tag = dsf.fold(key, associated, plain, source.choice((16, 32)))
    return {"key": key.hex(), "ad": associated.hex(), "plain": plain.hex(), "cipher": cipher.hex(), "tag": tag.hex()}


def _context(source):
    seed, label, data, nonce = source.seed_bytes(), source.context(), source.bytes(0, 700), source.randbytes(16)
    context = Context(seed)
    cipher, metadata = context.encrypt(data, label, nonce)
    session_id, stream_id = source.randbytes(8), source.unsigned(16)
    sender, index, own = source.choice(("initiator", "responder")), source.unsigned(48), source.bytes(0, 200)
    chunk, chunk_metadata = context.chunk_stream(session_id, stream_id, sender).encrypt(data, index, own, nonce)
    return {"seed": seed.hex(), "context": to_json(label), "data": data.hex(),
            "hash": context.hash(data, label).hex(), "derive_key": context.derive_key(label).hex(),
            "nonce": nonce.hex(), "encrypted": cipher.hex(), "metadata": metadata.hex(),
            "seed_hint": context.seed_hint(nonce).hex(),
            "chunk": {"session_id": session_id.hex(), "stream_id": stream_id, "from": sender, "index": index,
                      "data": own.hex(), "encrypted": chunk.hex(), "metadata": chunk_metadata.hex()}}


def _rotate(source, _long):
    key, nonce, epoch = source.randbytes(32), source.randbytes(32), source.unsigned(48)
    return {"key": key.hex(), "nonce": nonce.hex(), "epoch": epoch, "output": pcf.rotate(key, nonce, epoch).hex()}
