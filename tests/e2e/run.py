#!/usr/bin/env python3
"""Runs the end-to-end tests: run.py STT HOSTILE_SENDER EMULATOR [unittest's arguments]."""

import os
import sys
import unittest
from pathlib import Path

if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    os.environ["STT_BINARY"] = str(Path(sys.argv[1]).resolve())
    os.environ["STT_HOSTILE_SENDER"] = str(Path(sys.argv[2]).resolve())
    os.environ["STT_EMULATOR"] = str(Path(sys.argv[3]).resolve())
    sys.dont_write_bytecode = True
    folder = Path(__file__).resolve().parent
    sys.path.insert(0, str(folder))
    names = [path.stem for path in sorted(folder.glob("test_*.py"))]
    wanted = [argument for argument in sys.argv[4:] if not argument.startswith("-")]
    options = [argument for argument in sys.argv[4:] if argument.startswith("-")]
    unittest.main(module=None, argv=[sys.argv[0], *options, *(wanted or names)])
