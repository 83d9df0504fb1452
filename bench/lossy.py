#!/usr/bin/env python3
"""A file over an emulated path that loses datagrams: what each congestion controller makes of it.

Real processes and sockets on loopback; the path is tests/e2e/emulator. Prints one line for each
run: goodput of `stt send` from its start until the receiver's confirmation.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(arguments, controller, folder, source):
    seed, inbox = folder / "seed", folder / "inbox"
    subprocess.run(["rm", "-rf", inbox], check=True)
    receiver = subprocess.Popen(
        [arguments.stt, "receive", "--seed", seed, "--listen", "127.0.0.1:0",
         "--websocket", "off", "--once", inbox],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    server = receiver.stdout.readline().split()[2].rstrip(",")
    emulator = subprocess.Popen(
        [arguments.emulator, server, f"delay_ms={arguments.rtt_ms / 2}",
         f"rate_mbit={arguments.rate_mbit}", f"queue_kb={arguments.queue_kb}",
         f"loss={arguments.loss}", f"seed={arguments.random_seed}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    target = emulator.stdout.readline().split()[2]
    try:
        start = time.monotonic()
        subprocess.run([arguments.stt, "send", "--seed", seed, "--congestion", controller,
                        "--websocket", "off", source, target],
                       check=True, capture_output=True, timeout=arguments.timeout)
        taken = time.monotonic() - start
        emulator.stdin.write("statistics\n")
        emulator.stdin.flush()
        counters = emulator.stdout.readline()
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        emulator.stdin.close()
        emulator.wait()
        receiver.terminate()
        receiver.wait()
    return os.path.getsize(source) * 8 / taken / 1e6, counters


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stt", default=ROOT / "build/stt")
    parser.add_argument("--emulator", default=ROOT / "build/tests/e2e/stt_emulator")
    parser.add_argument("--controllers", default="bbr,cubic")
    parser.add_argument("--rtt-ms", type=float, default=40)
    parser.add_argument("--rate-mbit", type=float, default=200)
    parser.add_argument("--loss", type=float, default=0.01, help="of each direction")
    parser.add_argument("--queue-kb", type=int, default=1000, help="default: one round trip")
    parser.add_argument("--size-mb", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one transfer")
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("-v", action="store_true", help="print the emulator's counters")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stt-lossy-") as name:
        folder = Path(name)
        subprocess.run([arguments.stt, "seed", "new", folder / "seed"], check=True,
                       capture_output=True)
        source = folder / "file"
        with open(source, "wb") as file:
            for _ in range(arguments.size_mb):
                file.write(os.urandom(1_000_000))
        for controller in arguments.controllers.split(","):
            rates = []
            for _ in range(arguments.rounds):
                rate, counters = run(arguments, controller, folder, source)
                if rate is None:
                    print(f"{controller}: not through after {arguments.timeout} s", flush=True)
                    break
                rates.append(rate)
                if arguments.v:
                    print(counters.strip())
            if rates:
                print(f"{controller}: {statistics.median(rates):.1f} Mbit/s "
                      f"({min(rates):.1f} to {max(rates):.1f})", flush=True)


if __name__ == "__main__":
    main()
