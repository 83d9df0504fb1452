#!/usr/bin/env python3
"""The permutation with 24 rounds, as SHAKE128 and SHAKE256, against Python's hashlib (FIPS 202): it shares all but the
number of rounds with the one of STC."""

import hashlib
import sys

from stt_model.turboshake import RATE_128, RATE_256, sponge

DOMAIN_SHAKE = 0x1F
MESSAGE_SIZES = (0, 1, 135, 136, 137, 167, 168, 169, 335, 336, 337, 1000, 8192)
OUTPUT_SIZES = (1, 32, 168, 169, 500)


def main() -> int:
    passed = failed = 0
    for name, rate in (("shake_128", RATE_128), ("shake_256", RATE_256)):
        for size in MESSAGE_SIZES:
            message = bytes(7 * index & 0xFF for index in range(size))
            for length in OUTPUT_SIZES:
                same = sponge(message, DOMAIN_SHAKE, length, rate, 24) == hashlib.new(name, message).digest(length)
                passed += same
                failed += not same
                if not same:
                    print(f"FAILED {name}: message of {size} bytes, output of {length}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
