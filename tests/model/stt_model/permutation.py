"""Keccak-p[1600, n], the only primitive. Spec stc §One permutation; FIPS 202 §3.

The state is a list of 25 integers; lane (x, y) is at index x + 5y (Spec stc §Notation). The step mappings are
written out lane by lane, because a loop over x and y is five times slower in Python.
"""

MASK = (1 << 64) - 1


def _round_constants() -> list[int]:
    """FIPS 202 §3.2.5: bit 2^j - 1 of the constant of round i is rc(j + 7i), rc being an LFSR of eight bits."""
    bits, register = [], 1
    for _ in range(7 * 24):
        bits.append(register & 1)
        register <<= 1
        if register & 0x100:
            register ^= 0x171  # x^8 + x^6 + x^5 + x^4 + 1
    return [sum(bits[7 * i + j] << ((1 << j) - 1) for j in range(7)) for i in range(24)]


ROUND_CONSTANTS = _round_constants()


def permute(state: list[int], rounds: int = 12) -> list[int]:
    """The last `rounds` of the 24 rounds (FIPS 202 §3.3: rounds are counted so that the last one is number 23)."""
    m = MASK
    (a00, a10, a20, a30, a40, a01, a11, a21, a31, a41, a02, a12, a22, a32, a42,
     a03, a13, a23, a33, a43, a04, a14, a24, a34, a44) = state
    for constant in ROUND_CONSTANTS[24 - rounds:]:
        # theta: each lane gets the parity of the column to its left and of the rotated one to its right.
        c0 = a00 ^ a01 ^ a02 ^ a03 ^ a04
        c1 = a10 ^ a11 ^ a12 ^ a13 ^ a14
        c2 = a20 ^ a21 ^ a22 ^ a23 ^ a24
        c3 = a30 ^ a31 ^ a32 ^ a33 ^ a34
        c4 = a40 ^ a41 ^ a42 ^ a43 ^ a44
        d0 = c4 ^ (c1 << 1 & m | c1 >> 63)
        d1 = c0 ^ (c2 << 1 & m | c2 >> 63)
        d2 = c1 ^ (c3 << 1 & m | c3 >> 63)
        d3 = c2 ^ (c4 << 1 & m | c4 >> 63)
        d4 = c3 ^ (c0 << 1 & m | c0 >> 63)
        # rho and pi: lane (x, y), rotated, goes to (y, 2x + 3y).
        b00 = a00 ^ d0
        t = a01 ^ d0; b13 = t << 36 & m | t >> 28
        t = a02 ^ d0; b21 = t << 3 & m | t >> 61
        t = a03 ^ d0; b34 = t << 41 & m | t >> 23
        t = a04 ^ d0; b42 = t << 18 & m | t >> 46
        t = a10 ^ d1; b02 = t << 1 & m | t >> 63
        t = a11 ^ d1; b10 = t << 44 & m | t >> 20
        t = a12 ^ d1; b23 = t << 10 & m | t >> 54
        t = a13 ^ d1; b31 = t << 45 & m | t >> 19
        t = a14 ^ d1; b44 = t << 2 & m | t >> 62
        t = a20 ^ d2; b04 = t << 62 & m | t >> 2
        t = a21 ^ d2; b12 = t << 6 & m | t >> 58
        t = a22 ^ d2; b20 = t << 43 & m | t >> 21
        t = a23 ^ d2; b33 = t << 15 & m | t >> 49
        t = a24 ^ d2; b41 = t << 61 & m | t >> 3
        t = a30 ^ d3; b01 = t << 28 & m | t >> 36
        t = a31 ^ d3; b14 = t << 55 & m | t >> 9
        t = a32 ^ d3; b22 = t << 25 & m | t >> 39
        t = a33 ^ d3; b30 = t << 21 & m | t >> 43
        t = a34 ^ d3; b43 = t << 56 & m | t >> 8
        t = a40 ^ d4; b03 = t << 27 & m | t >> 37
        t = a41 ^ d4; b11 = t << 20 & m | t >> 44
        t = a42 ^ d4; b24 = t << 39 & m | t >> 25
        t = a43 ^ d4; b32 = t << 8 & m | t >> 56
        t = a44 ^ d4; b40 = t << 14 & m | t >> 50
        # chi along each row, and iota on lane (0, 0). ~x is negative, but ~x & y is not.
        a00 = b00 ^ (~b10 & b20) ^ constant
        a10 = b10 ^ (~b20 & b30)
        a20 = b20 ^ (~b30 & b40)
        a30 = b30 ^ (~b40 & b00)
        a40 = b40 ^ (~b00 & b10)
        a01 = b01 ^ (~b11 & b21)
        a11 = b11 ^ (~b21 & b31)
        a21 = b21 ^ (~b31 & b41)
        a31 = b31 ^ (~b41 & b01)
        a41 = b41 ^ (~b01 & b11)
        a02 = b02 ^ (~b12 & b22)
        a12 = b12 ^ (~b22 & b32)
        a22 = b22 ^ (~b32 & b42)
        a32 = b32 ^ (~b42 & b02)
        a42 = b42 ^ (~b02 & b12)
        a03 = b03 ^ (~b13 & b23)
        a13 = b13 ^ (~b23 & b33)
        a23 = b23 ^ (~b33 & b43)
        a33 = b33 ^ (~b43 & b03)
        a43 = b43 ^ (~b03 & b13)
        a04 = b04 ^ (~b14 & b24)
        a14 = b14 ^ (~b24 & b34)
        a24 = b24 ^ (~b34 & b44)
        a34 = b34 ^ (~b44 & b04)
        a44 = b44 ^ (~b04 & b14)
    return [a00, a10, a20, a30, a40, a01, a11, a21, a31, a41, a02, a12, a22, a32, a42,
            a03, a13, a23, a33, a43, a04, a14, a24, a34, a44]
