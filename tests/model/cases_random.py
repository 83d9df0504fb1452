"""Random inputs: everything from one seeded generator, with the sizes at which things change well represented."""

import random

EDGES = (0, 1, 8, 31, 32, 159, 160, 161, 166, 167, 168, 169, 319, 320, 321, 335, 336, 337)
LETTERS = ["a", "B", "z", "~", "\x00", "\n", '"', "\\", "é", "ß", "\u07ff", "\u0800", "中", "\ufffd", "\U00010000",
           "😀", "\U0010ffff"]
MASK_64 = (1 << 64) - 1


class Source(random.Random):
    def size(self, least: int, most: int) -> int:
        """Half of the time an edge of a block, if one fits."""
        edges = [edge for edge in EDGES if least <= edge <= most]
        if edges and self.random() < 0.5:
            return self.choice(edges)
        return self.randint(least, most)

    def bytes(self, least: int, most: int) -> bytes:
        return self.randbytes(self.size(least, most))

    def seed_bytes(self) -> bytes:
        """A key of 16 … 4096 bytes, mostly short."""
        return self.bytes(16, 4096 if self.random() < 0.1 else 400)

    def unsigned(self, bits: int = 64) -> int:
        """Every bit length is as likely; often a power of two or its neighbour."""
        power = 1 << self.randint(0, bits)
        if self.random() < 0.4:
            return max(0, min((1 << bits) - 1, power + self.choice((-1, 0, 1))))
        return self.randrange(power)

    def integer(self) -> int:
        """-2^63 … 2^64 - 1."""
        value = self.unsigned()
        return value if self.random() < 0.5 else -min(value, 1 << 63)

    def text(self, most: int = 12) -> str:
        return "".join(self.choice(LETTERS) for _ in range(self.randint(0, most)))

    def float(self) -> float:
        return self.choice((0.0, -0.0, 1.5, -2.25, 0.1, 1e300, 5e-324, float("inf"), float("-inf"),
                            self.uniform(-1e6, 1e6), self.uniform(-1e-9, 1e-9)))

    def value(self, depth: int = 3):
        """A value of the STT binary format. Dicts come in a random order."""
        kind = self.randrange(9 if depth else 7)
        if kind == 0:
            return None
        if kind == 1:
            return self.random() < 0.5
        if kind in (2, 3):
            return self.integer()
        if kind == 4:
            return self.float()
        if kind == 5:
            return self.randbytes(self.randint(0, 40))
        if kind == 6:
            return self.text()
        if kind == 7:
            return [self.value(depth - 1) for _ in range(self.randint(0, 4))]
        return self.dict(depth)

    def dict(self, depth: int = 3) -> dict:
        return {self.text(4): self.value(depth - 1) for _ in range(self.randint(0, 5))}

    def context(self) -> dict:
        """Half of the time as the protocol's own: a purpose and plain fields."""
        if self.random() < 0.3:
            return self.dict()
        purpose = {"purpose": self.choice(("test", "x", self.text()))}
        return purpose | {self.choice("abcxyz"): self.value(1) for _ in range(self.randint(0, 3))}


def mutated(source: Source, data: bytes) -> bytes:
    """One small change: a flipped bit, a new, lost or moved byte, a cut, something after the end."""
    changed = bytearray(data)
    at = source.randrange(len(data)) if data else 0
    # Half of the changes near the front, where the length fields and tags are.
    if data and source.random() < 0.5:
        at = source.randrange(min(len(data), 24))
    kind = source.randrange(6) if data else 4
    if kind == 0:
        changed[at] ^= 1 << source.randrange(8)
    elif kind == 1:
        changed[at] = source.choice((0x00, 0x7F, 0x80, 0xFF, source.randrange(256)))
    elif kind == 2:
        del changed[at]
    elif kind == 3:
        del changed[at:]
    elif kind == 4:
        changed.insert(at, source.choice((0x00, 0x80, source.randrange(256))))
    else:
        changed += source.randbytes(source.randint(1, 3))
    return bytes(changed)
