"""Goodput over a path that delays and loses, the same for all: an emulator between two namespaces."""

import contextlib
import os
import shutil
import subprocess

from ..measuring import STT, Metric, Outcome, Part, Run, Unavailable, lines_of

LOSSES = (0, 0.1, 1, 2, 5)  # per cent, each way
ROUND_TRIP_MS = 50
RATE_MBIT = 100
QUEUE_KB = 625  # what the path holds in a round trip
SERVER_ADDRESS = "10.77.0.2"

SUBJECTS = (
    (f"{STT}, BBR", ("bulk_bench", "--congestion", "bbr")),
    (f"{STT}, CUBIC", ("bulk_bench", "--congestion", "cubic")),
    ("TLS over TCP, BBR", ("tls_peer", "bulk", "--congestion", "bbr")),
    ("TLS over TCP, CUBIC", ("tls_peer", "bulk", "--congestion", "cubic")),
    ("QUIC (ngtcp2), BBR", ("quic_peer", "bulk", "--congestion", "bbr")),
    ("QUIC (ngtcp2), CUBIC", ("quic_peer", "bulk", "--congestion", "cubic")),
    ("SRT, AES-128", ("srt_peer", "bulk")),
)


@contextlib.contextmanager
def two_namespaces():
    if os.geteuid() != 0 or not shutil.which("ip") or not os.path.exists("/dev/net/tun"):
        raise Unavailable("needs root, iproute2 and /dev/net/tun")
    names = [f"stt-bench-{os.getpid()}-{side}" for side in ("client", "server")]
    made = []
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            made.append(name)
        yield names
    except subprocess.CalledProcessError as fault:
        raise Unavailable(f"no network namespaces: {fault.stderr.decode().strip()}") from fault
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=False)


@contextlib.contextmanager
def path(program, names, loss):
    emulator = subprocess.Popen(
        [program, *names, f"delay_ms={ROUND_TRIP_MS / 2}", f"rate_mbit={RATE_MBIT}",
         f"queue_kb={QUEUE_KB}", f"loss={loss / 100}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if emulator.stdout.readline().strip() != "ready":
            raise Unavailable("the emulator does not start")
        yield
    finally:
        emulator.stdin.close()
        emulator.wait(10)
        emulator.stdout.close()


def measure(emulator, names, loss, subject, words):
    with path(emulator, names, loss):
        line = lines_of(["ip", "netns", "exec", names[0], *words, "--address", SERVER_ADDRESS,
                         "--server-namespace", names[1]])[0]
    return [Outcome(f"lost each way: {loss} %", subject,
                    {"mbit_per_second": line["gbit_per_second"] * 1e3,
                     "client_cpu_seconds_per_gb": line["client_cpu_seconds_per_gb"]})]


@contextlib.contextmanager
def prepare(setting):
    emulator = setting.program("tun_path")
    seconds = str(setting.pick(4, 2))

    def run(names, loss, subject, program, words):
        whole = [setting.program(program), *words, "--seconds", seconds]
        return Run(f"{subject}, {loss} %", lambda: measure(emulator, names, loss, subject, whole))

    with two_namespaces() as names:
        yield [run(names, loss, subject, program, words)
               for loss in setting.pick(LOSSES, (0, 1)) for subject, (program, *words) in SUBJECTS]


PART = Part(
    name="loss",
    title="Loss",
    text=f"""Goodput of the first seconds of one stream, its start included, over an emulated path of {RATE_MBIT}
Mbit/s and {ROUND_TRIP_MS} ms, with a queue of one round trip, that loses packets by chance, each way. One emulator
for all: packets of IPv4 between two network namespaces (`bench/emulator/tun_path.cpp`).""",
    prepare=prepare,
    metrics=(Metric("mbit_per_second", "Mbit/s", 1),),
    layout="grid",
    plot="lines",
    axis="lost each way, %",
    rounds_max=3)
