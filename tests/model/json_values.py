"""The typed values of the vector files (vectors/README.md) to and from Python's."""


def to_json(value):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"string": value}
    if isinstance(value, list):
        return {"list": [to_json(item) for item in value]}
    return {"dict": [[key, to_json(item)] for key, item in value.items()]}


def from_json(value):
    if value is None or isinstance(value, bool):
        return value
    (kind, body), = value.items()
    return READERS[kind](body)


READERS = {
    "int": int,
    "float": float,
    "bytes": bytes.fromhex,
    "string": str,
    "list": lambda body: [from_json(item) for item in body],
    "dict": lambda body: {key: from_json(item) for key, item in body},
}
