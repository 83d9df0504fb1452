#!/usr/bin/env python3
"""Holds the sources to what a reader should not have to check by eye.

Prints one line for each fault; the exit code is 1 when there is any.
"""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILE_LINES_MAX = 600
TEST_FILE_LINES_MAX = 800
LINE_WIDTH_MAX = 100
PYTHON_LINE_WIDTH_MAX = 120
FUNCTION_LINES_MAX = 70

CODE_SUFFIXES = {".cpp", ".hpp", ".h", ".c", ".py", ".cmake", ".in", ".sh", ".ts", ".js"}
CODE_NAMES = {"CMakeLists.txt"}
PROSE_SUFFIXES = {".md"}
# Texts of others, kept as they came, and generated data.
VERBATIM = ("LICENSE", "docs/spec/seed-")

# Split, so that this file has none of them.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
# A folder that only one machine has.
LOCAL_PATH = re.compile(r"(?<![\w.$}/-])/(home|root|Users|work|workspace|builds?)/\w")
# At the start of a line, as clang-format leaves them: what opens a scope but no function.
NO_FUNCTION = re.compile(r"(namespace|template|class|struct|union|enum|extern|using|typedef|#|//|[})])")


def tracked_files():
    """Paths that are or would be under version control."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    try:
        names = subprocess.run(command, check=True, capture_output=True).stdout.decode()
        paths = [ROOT / name for name in names.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        # An unpacked archive: all but hidden folders and build folders.
        paths = [path for path in ROOT.rglob("*")
                 if not re.match(r"(build|\.(?!ci/))", path.relative_to(ROOT).as_posix())
                 and "__pycache__" not in path.parts]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def kind_of(path):
    name = path.relative_to(ROOT).as_posix()
    if name.startswith(VERBATIM):
        return None
    if path.suffix in CODE_SUFFIXES or path.name in CODE_NAMES:
        return "code"
    if path.suffix in PROSE_SUFFIXES:
        return "prose"
    if path.suffix == "":
        with path.open("rb") as file:
            return "code" if file.read(2) == b"#!" else None
    return None


def line_faults(line, kind, width_max):
    if "\t" in line:
        yield "a tab"
    if kind == "code" and line != line.rstrip():
        yield "space at the end of the line"
    if kind == "code" and len(line) > width_max:
        yield f"{len(line)} columns, over {width_max}"
    if any(character != "\t" and unicodedata.category(character) in ("Cc", "Cf", "Co")
           for character in line):
        yield "an invisible or control character"
    unfinished = UNFINISHED.search(line)
    if unfinished:
        yield f"{unfinished.group()}: finish it, or write down the decision"
    local = LOCAL_PATH.search(line)
    if local:
        yield f"a path of one machine: {local.group()}..."


def function_faults(lines):
    """Functions at namespace level whose first to last line are too many.

    Relies on clang-format: such a function starts in column 0 and ends with a brace there.
    """
    start = None
    in_body = False
    for number, line in enumerate(lines, 1):
        if in_body:
            if line.startswith("}"):
                if number - start + 1 > FUNCTION_LINES_MAX:
                    yield start, (f"a function of {number - start + 1} lines, "
                                  f"over {FUNCTION_LINES_MAX}")
                start, in_body = None, False
            continue
        if start is None and line and not line[0].isspace() and not NO_FUNCTION.match(line):
            start = number
        if start is not None and line.endswith("{"):
            in_body = True
        elif start is not None and line.endswith((";", "}", ":")):
            start = None


def file_faults(path):
    name = path.relative_to(ROOT).as_posix()
    kind = kind_of(path)
    if kind is None:
        return
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        yield 1, "not UTF-8"
        return
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        yield len(lines), "no line break at the end"
    lines_max = TEST_FILE_LINES_MAX if name.startswith("tests/") else FILE_LINES_MAX
    if kind == "code" and len(lines) > lines_max:
        yield len(lines), f"{len(lines)} lines, over {lines_max}"
    width_max = PYTHON_LINE_WIDTH_MAX if path.suffix == ".py" else LINE_WIDTH_MAX
    for number, line in enumerate(lines, 1):
        for fault in line_faults(line, kind, width_max):
            yield number, fault
    if path.suffix == ".hpp":
        code = [line for line in lines if line.strip() and not line.startswith("//")]
        if not code or code[0] != "#pragma once":
            yield 1, "#pragma once is not first"
    if path.suffix in (".cpp", ".hpp") and not name.startswith("tests/"):
        yield from function_faults(lines)


def main():
    files = tracked_files()
    count = 0
    for path in files:
        for line, fault in file_faults(path):
            print(f"{path.relative_to(ROOT)}:{line}: {fault}")
            count += 1
    print(f"tidy: {len(files)} files, {count} faults")
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main())
