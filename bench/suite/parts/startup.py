"""How soon the command runs, and how large it is."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

from ..measuring import STT, Metric, Outcome, Part, Run, Unavailable

STARTS = 50
# What is beside it: programs that people run for the same.
OTHERS = (("ssh -V", ("ssh", "-V")), ("openssl version", ("openssl", "version")),
          ("rsync --version", ("rsync", "--version")))


def stripped_size(program, folder):
    """Without symbols; the libraries that it loads are not counted."""
    copy = folder / "stripped"
    subprocess.run(["strip", "-o", copy, program], check=True)
    size = copy.stat().st_size
    copy.unlink()
    return size


def start(words):
    begin = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def measure(name, words, size):
    taken = sorted(start(words) for _ in range(STARTS))
    return [Outcome("start", name, {"start_ms": taken[STARTS // 2] * 1e3, "size_mb": size / 1e6})]


@contextlib.contextmanager
def prepare(setting):
    stt = setting.program("stt")
    setting.folder.mkdir(exist_ok=True)
    found = [(STT + " (stt --version)", (stt, "--version"))]
    for name, words in OTHERS:
        program = shutil.which(words[0])
        if program:
            found.append((name, (program, *words[1:])))
    if not shutil.which("strip"):
        raise Unavailable("strip is not installed")

    def run(name, words):
        size = stripped_size(os.path.realpath(words[0]), pathlib.Path(setting.folder))
        return Run(name, lambda: measure(name, words, size))

    yield [run(name, words) for name, words in found]


PART = Part(
    name="startup",
    title="Start and size",
    text=f"""From the call of the program until it has ended, the median of {STARTS}; and the size of the program
without symbols (`strip`), without the libraries that it loads. STT's holds the page for
browsers where that was built before.""",
    prepare=prepare,
    metrics=(Metric("start_ms", "start, ms", 2, is_more_better=False),
             Metric("size_mb", "size, MB", 2, is_more_better=False)),
    plot="")
