#!/usr/bin/env python3
"""Compares the C++ with the model: the model on the shared vectors, then the C++ on random cases of the model.

    run.py --vector-tests PATH_TO_BINARY --vectors DIR [--cases N] [--seed S]

Prints the seed and the command that replays. Random cases that fail are kept.
"""

import argparse
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import check_against_hashlib
import check_model
from check_vectors import check_folder
from make_cases import write_cases


def check_the_model(vectors: Path) -> bool:
    print("== the permutation against hashlib")
    agrees = check_against_hashlib.main() == 0
    print("== the model by itself")
    agrees &= check_model.main() == 0
    print(f"== the model on {vectors}")
    tally = check_folder(vectors)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return agrees and tally.passed > 0 and tally.failed == 0


def check_program(program: Path, seed: int, count: int, timeout_s: int) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"stt-cases-{seed}-"))
    write_cases(folder, seed, count)
    print(f"== {program} on {count} random cases a section", flush=True)
    try:
        code = subprocess.run([program, folder], timeout=timeout_s).returncode
    except (OSError, subprocess.TimeoutExpired) as reason:
        print(f"FAILED: {reason}")
        code = -1
    if code != 0:
        print(f"FAILED: exit code {code}; the cases are kept in {folder}")
        return False
    shutil.rmtree(folder)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vector-tests", type=Path, required=True, help="the program stt-vector-tests")
    parser.add_argument("--vectors", type=Path, required=True, help="the folder of the shared vectors")
    parser.add_argument("--cases", type=int, default=25)
    parser.add_argument("--seed", type=int, default=None, help="drawn at random if not given")
    parser.add_argument("--timeout-s", type=int, default=300, help="for the program")
    arguments = parser.parse_args()
    program = arguments.vector_tests.resolve()
    seed = secrets.randbits(48) if arguments.seed is None else arguments.seed

    print(f"seed {seed}")
    passed = [check_the_model(arguments.vectors), check_program(program, seed, arguments.cases, arguments.timeout_s)]
    print(f"replay: {sys.executable} {Path(__file__).resolve()} --vector-tests {program} "
          f"--vectors {arguments.vectors.resolve()} --cases {arguments.cases} --seed {seed}")
    print("agreed" if all(passed) else "DISAGREED")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
