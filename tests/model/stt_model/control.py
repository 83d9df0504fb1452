"""CONTROL and STREAM_CONTROL payloads. Spec protocol §8.1.

An item is (kind, body), a body a dict of the names below. Items of unknown kinds are skipped by `parse_*`.
"""

from . import varint
from .errors import Refused

REST_SIZE_MAX = 255  # reason, endpoint: UTF-8, the rest of the body

# kind: (name, fields). A field is a varint, or (name, size), or ends in one of the markers below.
TEXT, ADDRESS, RANGES, CREDITS, ANY = "text", "address", "ranges", "credits", "any"
ACK_FIELDS = ["largest", "delay_us", "first_range", ("ranges", RANGES)]
CONTROL = {
    0x00: ("PADDING", [("bytes", ANY)]),
    0x01: ("PING", [("token", 8)]),
    0x02: ("PONG", [("token", 8)]),
    0x03: ("FLOW_CREDIT", ["limit"]),
    0x04: ("KEY_ROTATION", ["epoch", ("nonce", 32)]),
    0x05: ("SESSION_CLOSE", ["code", ("reason", TEXT)]),
    0x06: ("ERROR", ["code", ("detail", TEXT)]),
    0x07: ("ACK", ACK_FIELDS),
    0x08: ("ACK_ECN", [*ACK_FIELDS, "ect0", "ect1", "ce"]),
    0x09: ("PATH_CHALLENGE", [("token", 8)]),
    0x0A: ("PATH_RESPONSE", [("token", 8)]),
    0x0B: ("STREAM_LIMIT", ["limit"]),
    0x0C: ("OBSERVED_ADDRESS", [("address", ADDRESS)]),
    0x0D: ("CREDITS", [("credits", CREDITS)]),
}
STREAM_CONTROL = {
    0x01: ("OPEN", ["kind", "priority", "deadline_ms", ("endpoint", TEXT)]),
    0x02: ("CREDIT", ["limit"]),
    0x03: ("RESET", ["code", "final_offset"]),
    0x04: ("STOP", ["code"]),
    0x05: ("PRIORITY", ["priority"]),
    0x06: ("SKIP", ["from", "to"]),
}


def _read_varints(body: bytes, at: int, count: int) -> tuple[list[int], int]:
    values = []
    for _ in range(count):
        value, at = varint.decode(body, at)
        values.append(value)
    return values, at


def _read_counted(body: bytes, at: int, width: int) -> tuple[list[tuple], int]:
    """count, then count × `width` varints; a count that the body cannot hold is refused first."""
    count, at = varint.decode(body, at)
    if count * width > len(body) - at:
        raise Refused("count exceeds the body")
    rows = []
    for _ in range(count):
        row, at = _read_varints(body, at, width)
        rows.append(tuple(row))
    return rows, at


def _read_text(body: bytes, name: str) -> str:
    if len(body) > REST_SIZE_MAX and name != "detail":  # §8.1 bounds reason and endpoint, not detail
        raise Refused("text over 255 bytes")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as reason:
        raise Refused("invalid UTF-8") from reason


def _read_field(body: bytes, at: int, field) -> tuple[str, object, int]:
    if isinstance(field, str):
        value, at = varint.decode(body, at)
        return field, value, at
    name, kind = field
    if kind == TEXT:
        return name, _read_text(body[at:], name), len(body)
    if kind == RANGES or kind == CREDITS:
        rows, at = _read_counted(body, at, 2 if kind == RANGES else 3)
        return name, rows, at
    if kind == ADDRESS and len(body) not in (4 + 2, 16 + 2):
        raise Refused("address is exactly 4 + 2 or 16 + 2 bytes")
    size = len(body) - at if kind in (ADDRESS, ANY) else kind
    if size > len(body) - at:
        raise Refused("body too short")
    return name, body[at:at + size], at + size


def acknowledged(ack: dict) -> list[tuple[int, int]]:
    """The (lowest, highest) of each range, newest first. RFC 9000 §19.3.1: a gap of 0 leaves out one number."""
    lowest = ack["largest"] - ack["first_range"]
    ranges = [(lowest, ack["largest"])]
    for gap, length in ack["ranges"]:
        highest = lowest - gap - 2
        lowest = highest - length
        ranges.append((lowest, highest))
    if lowest < 0:
        raise Refused("ACK of a number below zero")
    return ranges


def _parse_items(payload: bytes, at: int, table: dict) -> list[tuple[str, dict]]:
    """The whole payload is parsed before anything in it acts; a malformed or empty one is error 1."""
    if at == len(payload):
        raise Refused("empty payload")
    items = []
    while at < len(payload):
        kind, at = varint.decode(payload, at)
        size, at = varint.decode(payload, at)
        if size > len(payload) - at:
            raise Refused("body cut off")
        body, at = payload[at:at + size], at + size
        if kind not in table:
            continue
        name, fields = table[kind]
        values, inside = {}, 0
        for field in fields:
            field_name, values[field_name], inside = _read_field(body, inside, field)
        if name in ("ACK", "ACK_ECN"):
            acknowledged(values)
        items.append((name, values))
    return items


def parse_control(payload: bytes) -> list[tuple[str, dict]]:
    return _parse_items(payload, 0, CONTROL)


def parse_stream_control(payload: bytes) -> tuple[int, list[tuple[str, dict]]]:
    use, at = varint.decode(payload)
    return use, _parse_items(payload, at, STREAM_CONTROL)


def _write_field(field, value) -> bytes:
    if isinstance(field, str):
        return varint.encode(value)
    _, kind = field
    if kind == TEXT:
        return value.encode("utf-8")
    if kind in (RANGES, CREDITS):
        return varint.encode(len(value)) + b"".join(varint.encode(number) for row in value for number in row)
    return value


def _build_items(items: list[tuple[str, dict]], table: dict) -> bytes:
    by_name = {name: (kind, fields) for kind, (name, fields) in table.items()}
    payload = b""
    for name, values in items:
        kind, fields = by_name[name]
        names = [field if isinstance(field, str) else field[0] for field in fields]
        body = b"".join(_write_field(field, values[key]) for field, key in zip(fields, names))
        payload += varint.encode(kind) + varint.encode(len(body)) + body
    return payload


def build_control(items: list[tuple[str, dict]]) -> bytes:
    return _build_items(items, CONTROL)


def build_stream_control(use: int, items: list[tuple[str, dict]]) -> bytes:
    return varint.encode(use) + _build_items(items, STREAM_CONTROL)
