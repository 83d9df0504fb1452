"""Where the processor time of a bulk transfer goes."""

import contextlib
import os
import re
import shutil
import subprocess

from ..measuring import COMMAND_SECONDS_MAX, Metric, Outcome, Part, Run, Unavailable

SAMPLES_A_SECOND = 1_999
SHOWN_PERCENT_MIN = 2
# The first that fits a sample's object and function.
AREAS = (
    ("the kernel", r"^\[(kernel|vdso|guest)"),
    ("cryptography", r"stt::stc::"),
    ("copying in memory", r"__mem(move|cpy|set)"),
    ("allocation", r"malloc|_int_free|cfree|operator (new|delete)|realloc"),
    ("streams", r"stt::(stream::|ByteRing|IntervalSet)"),
    ("loss and congestion", r"stt::recovery::"),
    ("sessions and frames", r"stt::(connection|session|wire|codec|handshake|trace)::"),
    ("node and sockets", r"stt::(detail|node|transport|platform)::|asio::"),
)
REST = "the rest"


def area_of(name):
    return next((area for area, pattern in AREAS if re.search(pattern, name)), REST)


def short(function):
    """Without parameters of templates, which fill a screen."""
    before = None
    while before != function:
        before, function = function, re.sub(r"<[^<>]*>", "", function)
    return function.replace("(anonymous namespace)::", "")


def read(report, client):
    """Lines of perf as (process, area, function, percent)."""
    for line in report.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 4 or not fields[0].endswith("%"):
            continue
        percent, process, binary, function = fields
        function = function.partition("] ")[2] or function
        subject = "sender" if int(process.partition(":")[0]) == client else "receiver"
        yield subject, area_of(binary if binary.startswith("[") else function), short(function), float(percent[:-1])


def outcomes_of(lines):
    """Of each process's own time, in per cent: areas, then functions that take much."""
    lines = list(lines)
    for subject in ("sender", "receiver"):
        own = [line for line in lines if line[0] == subject]
        whole = sum(percent for *_, percent in own)
        sums = {}
        for _, area, function, percent in own:
            for name in (area, f"`{function}`"):
                sums[name] = sums.get(name, 0) + 100 * percent / whole
        named = [area for area, _ in AREAS] + [REST]
        for name in named:
            yield Outcome(name, subject, {"percent": sums.get(name, 0)})
        for name, percent in sorted(sums.items(), key=lambda item: -item[1]):
            if name not in named and percent >= SHOWN_PERCENT_MIN:
                yield Outcome(name, subject, {"percent": percent})


def measure(program, size, data):
    # The first process is the client: perf becomes it.
    recording = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "-o", data, "--",
         "sh", "-c", 'echo $$ && exec "$@"', "sh", program, "--mb", str(size)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output, _ = recording.communicate(timeout=COMMAND_SECONDS_MAX)
    if recording.returncode != 0:
        raise Unavailable("perf may not record here")
    client = int(output.splitlines()[0])
    report = subprocess.run(
        ["perf", "report", "-i", data, "--no-children", "--stdio", "-F", "overhead,pid,dso,sym", "-t", "|"],
        capture_output=True, text=True, check=True, timeout=COMMAND_SECONDS_MAX).stdout
    os.unlink(data)
    return list(outcomes_of(read(report, client)))


@contextlib.contextmanager
def prepare(setting):
    if not shutil.which("perf"):
        raise Unavailable("perf is not installed (Debian: linux-perf)")
    program = setting.program("bulk_bench")
    size = setting.pick(2_000, 400)
    yield [Run("perf", lambda: measure(program, size, str(setting.folder / "perf.data")))]


PART = Part(
    name="profile",
    title="Where the time goes",
    text=f"""Of *Bulk over loopback*, sampled {SAMPLES_A_SECOND:,} times a second by perf: what each process spent its
processor time on, in per cent, by area, and then functions with over {SHOWN_PERCENT_MIN} % of it.""",
    prepare=prepare,
    metrics=(Metric("percent", "% of its time", 1, is_more_better=False),),
    layout="grid",
    plot="",
    rounds_max=2)
