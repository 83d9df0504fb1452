#!/usr/bin/env python3
"""Writes random cases in the shape of the shared vectors, the same for the same seed and count.

    make_cases.py --seed N --count M OUTDIR
"""

import argparse
import json
import sys
from pathlib import Path

import cases_codec
import cases_stc
import cases_wire
from cases_random import Source

MAKERS = {"stc.json": cases_stc.make, "codec.json": cases_codec.make, "wire.json": cases_wire.make}


def write_cases(folder: Path, seed: int, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        # A text seeds Python's generator by its SHA-512: alike on every machine.
        content = make(Source(f"{name} {seed}"), count)
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    write_cases(arguments.folder, arguments.seed, arguments.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
