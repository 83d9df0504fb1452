"""STC beside the ciphers and hashes of OpenSSL, by the size of a message."""

import contextlib
import json
import subprocess

from ..measuring import COMMAND_SECONDS_MAX, STT, Metric, Outcome, Part, Run

# Of the benchmarks' names, such as fold/batch/stt/1400.
NAMES = {"stt": STT, "stt-avx2": f"{STT}, AVX2 alone", "aes-256-gcm": "AES-256-GCM", "aes-128-gcm": "AES-128-GCM",
         "chacha20-poly1305": "ChaCha20-Poly1305", "sha3-256": "SHA3-256", "blake2b": "BLAKE2b"}
FILTER = f"^(fold/single|fold/batch|unfold/single|unfold/batch|hash)/({'|'.join(NAMES)})/[0-9]+(/|$)"


def outcomes_of(benchmarks):
    """OpenSSL has no batches, and stands beside both."""
    for benchmark in benchmarks:
        operation, *modes, subject, size = benchmark["name"].removesuffix("/manual_time").split("/")
        metrics = {"gb_per_second": benchmark["bytes_per_second"] / 1e9}
        if modes and not subject.startswith("stt"):
            modes = ["single", "batch"]
        for mode in modes or [""]:
            yield Outcome(f"{operation} {mode}".strip() + f", {size}", NAMES[subject], metrics)


def measure(program, seconds):
    done = subprocess.run(
        [program, "--benchmark_format=json", f"--benchmark_filter={FILTER}", f"--benchmark_min_time={seconds}"],
        capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=True)
    return list(outcomes_of(json.loads(done.stdout)["benchmarks"]))


@contextlib.contextmanager
def prepare(setting):
    program = setting.program("stc_bench")
    seconds = setting.pick(0.06, 0.02)
    yield [Run("stc_bench", lambda: measure(program, seconds))]


PART = Part(
    name="crypto",
    title="Cryptography by message size",
    text="""Frames folded (encrypted and authenticated) and unfolded, and hashes, of messages of so many bytes, on
one core. *batch* is many frames in one call, as the send and receive path has them; OpenSSL takes one message a
call, with a context that is kept and a new IV each time, and its rate stands beside both.""",
    prepare=prepare,
    metrics=(Metric("gb_per_second", "GB/s"),),
    layout="grid",
    plot="lines",
    axis="bytes of a message",
    is_logarithmic=True)
