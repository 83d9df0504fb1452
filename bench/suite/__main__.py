"""The command line of scripts/bench."""

import argparse
import json
import pathlib
import resource
import sys
import tempfile

from . import machine, report, results
from .measuring import Setting, Unavailable, complain, run_part
from .parts import PARTS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROUNDS = 5
ROUNDS_QUICK = 2


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures the library beside its peers.")
    parser.add_argument("--quick", action="store_true",
                        help="short runs, to see that all works: they do not change the page in docs/")
    parser.add_argument("--only", action="append", choices=[part.name for part in PARTS], metavar="PART",
                        help="one part, may be given again: " + ", ".join(part.name for part in PARTS))
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS}, or {ROUNDS_QUICK} of a short run")
    parser.add_argument("--tools", type=pathlib.Path, action="append", default=[], metavar="FILE",
                        help="further programs that move a file, in JSON as in bench/suite/parts/files.py")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE",
                        help="measures nothing: makes the page of results of an earlier run")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-bench", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help="for the files of the run; default: temporary")
    options = parser.parse_args()
    for path in (options.report, *options.tools):
        if path and not path.is_file():
            parser.error(f"no such file: {path}")
    return options


def measure(options, folder):
    setting = Setting(options.build, folder, options.quick,
                      options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS),
                      tuple(tool for path in options.tools for tool in json.loads(path.read_text())))
    found = []
    for part in PARTS:
        if options.only and part.name not in options.only:
            continue
        try:
            measured = run_part(part, setting)
            if measured:
                found.append(results.new_part(part, setting, measured))
        except Unavailable as fault:
            complain(f"{part.name}: left out: {fault}")
    return found


def main():
    options = arguments()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    place = options.build / "quick" if options.quick else ROOT / "docs"
    place.mkdir(parents=True, exist_ok=True)
    kept = place / "performance.json"
    if options.report:
        document = results.load(options.report)
    else:
        here = machine.describe()
        with tempfile.TemporaryDirectory(prefix="stt-bench-", dir=options.folder) as name:
            found = measure(options, pathlib.Path(name))
        if not found:
            return 1
        document = results.merged(results.load(kept), here, found)
    results.save(kept, document)
    page = place / "performance.md"
    report.put_into(page, report.text_of(document, PARTS, place / "plots", "plots"))
    print(f"{page}\n{kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
