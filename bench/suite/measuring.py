"""What a part of the suite consists of, and how its rounds are run."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import time

COMMAND_SECONDS_MAX = 60
# The subject that everything is compared with.
STT = "STT"


class Unavailable(Exception):
    """Something is not installed, or not allowed here: the subject or part is left out, and told."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all parts are given."""

    build: pathlib.Path
    folder: pathlib.Path  # for files of the run; empty at first
    is_quick: bool
    rounds: int
    foreign_tools: tuple = ()

    def program(self, name):
        for place in (f"bench/{name}", f"bench/peers/{name}", name):
            if (self.build / place).is_file():
                return str(self.build / place)
        raise Unavailable(f"{name} is not built")

    def pick(self, whole, quick):
        return quick if self.is_quick else whole


@dataclasses.dataclass(frozen=True)
class Metric:
    name: str  # in the programs' output
    title: str  # with its unit
    digits: int = 2
    is_more_better: bool = True


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one run tells of one subject."""

    case: str
    subject: str
    metrics: dict


@dataclasses.dataclass(frozen=True)
class Run:
    """One step of a round: a call that gives Outcomes."""

    name: str
    measure: object


@dataclasses.dataclass(frozen=True)
class Part:
    """Runs are made by prepare(setting), a context manager that gives their list."""

    name: str
    title: str
    text: str  # what is measured, for the page
    prepare: object
    metrics: tuple  # the first is what ratios are of
    layout: str = "list"  # or "grid": one row a case, one column a subject, the first metric alone
    plot: str = "bars"  # "lines" over the number that each case ends with, or ""
    axis: str = ""  # what that number is
    is_logarithmic: bool = False  # that axis
    baseline: str = ""  # a case: ratios are to it, instead of to other subjects
    rounds_max: int = 1_000  # of what takes long


def complain(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def lines_of(command, seconds_max=COMMAND_SECONDS_MAX):
    """Runs a program that prints objects of JSON, one a line."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds_max, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def command(case, subject, words):
    """A run of a program whose one line is what it measured."""
    return Run(f"{case}: {subject}", lambda: [Outcome(case, subject, lines_of(words)[0])])


def rounds_of(part, setting):
    return min(setting.rounds, part.rounds_max)


def run_part(part, setting):
    """All rounds, runs in turns; gives [{"case", "subject", "metrics": {name: [value a round]}}]."""
    found = {}
    started = time.monotonic()
    rounds = rounds_of(part, setting)
    with part.prepare(setting) as runs:
        broken = set()
        for number in range(rounds):
            for run in runs:
                if run in broken:
                    continue
                try:
                    outcomes = list(run.measure())
                except (Unavailable, RuntimeError, ValueError, OSError, subprocess.SubprocessError) as fault:
                    # A subject that fails is not compared at all, rather than by its better rounds.
                    complain(f"{part.name}: left out: {run.name}: {fault}")
                    broken.add(run)
                    found = {key: value for key, value in found.items() if value["run"] is not run}
                    continue
                for outcome in outcomes:
                    key = (outcome.case, outcome.subject)
                    entry = found.setdefault(key, {"run": run, "metrics": {}})
                    for name, value in outcome.metrics.items():
                        entry["metrics"].setdefault(name, []).append(value)
            complain(f"{part.name}: round {number + 1} of {rounds}, "
                     f"{time.monotonic() - started:.0f} s")
    return [{"case": case, "subject": subject, "metrics": entry["metrics"]}
            for (case, subject), entry in found.items()]
