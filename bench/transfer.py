#!/usr/bin/env python3
"""One file over loopback by `stt send` and by `scp`, in turns, as whole processes.

    bench/transfer.py [--stt build/stt] [--size BYTES] [--rounds N]

Prints a line a run (machine readable), then medians, spread and the ratio. Memory is the
largest resident set of each process. scp runs against an sshd of its own on a loopback port,
with keys made for the run; where there is no sshd, only stt is measured.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 300


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_measured(command, **options):
    """Runs a command to its end; gives seconds, CPU seconds and the largest resident set in bytes."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"transfer: {command[0]} ended with {process.returncode}")
    return {
        "seconds": time.monotonic() - start,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "resident_bytes": usage.ru_maxrss * 1024,
    }


class Stt:
    name = "stt"

    def __init__(self, binary, folder):
        self.binary = binary
        self.seed = folder / "seed"
        self.target = folder / "stt-target"
        subprocess.run([binary, "seed", "new", self.seed], check=True, stdout=subprocess.DEVNULL)

    def transfer(self, source):
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir()
        address = f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        receiver = subprocess.Popen(
            [self.binary, "receive", "--once", "--seed", self.seed, "--listen", address,
             "--websocket", "off", self.target],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        sender = run_measured([self.binary, "send", "--seed", self.seed, source, address],
                              stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(receiver.pid, 0)
        receiver.returncode = os.waitstatus_to_exitcode(status)
        if receiver.returncode != 0:
            raise SystemExit(f"transfer: stt receive ended with {receiver.returncode}")
        sender["receiver_resident_bytes"] = usage.ru_maxrss * 1024
        sender["receiver_cpu_seconds"] = usage.ru_utime + usage.ru_stime
        return sender, self.target / source.name


class Scp:
    name = "scp"

    def __init__(self, folder):
        self.folder = folder / "ssh"
        self.folder.mkdir()
        self.target = folder / "scp-target"
        self.port = free_port(socket.SOCK_STREAM)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key],
                           check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized")
        config = self.folder / "sshd_config"
        config.write_text(f"""Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/authorized
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
""")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.server = subprocess.Popen([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", config],
                                       stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def transfer(self, source):
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir()
        result = run_measured(
            ["scp", "-q", "-P", str(self.port), "-i", self.folder / "user",
             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", "LogLevel=ERROR", source, f"{os.environ.get('USER') or 'root'}@127.0.0.1:{self.target}/"])
        return result, self.target / source.name

    def close(self):
        self.server.terminate()
        self.server.wait(10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stt", type=pathlib.Path, default=ROOT / "build" / "stt")
    parser.add_argument("--size", type=int, default=1_000_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with tempfile.TemporaryDirectory(prefix="stt-transfer-") as name:
        folder = pathlib.Path(name)
        source = folder / "file.bin"
        block = os.urandom(1 << 20)
        with open(source, "wb") as file:
            for position in range(0, arguments.size, len(block)):
                file.write(block[: min(len(block), arguments.size - position)])
        tools = [Stt(arguments.stt, folder)]
        if shutil.which("scp") and (shutil.which("sshd") or os.path.exists("/usr/sbin/sshd")):
            tools.append(Scp(folder))
        else:
            print("transfer: no scp and sshd here (Debian: openssh-client, openssh-server)",
                  file=sys.stderr)

        rates = {tool.name: [] for tool in tools}
        resident = 0
        for round_number in range(arguments.rounds):
            for tool in tools:
                result, target = tool.transfer(source)
                if target.stat().st_size != arguments.size:
                    raise SystemExit(f"transfer: {tool.name} brought a file of another size")
                result["gbit_per_second"] = arguments.size * 8 / result["seconds"] / 1e9
                rates[tool.name].append(result["gbit_per_second"])
                if tool.name == "stt":
                    resident = max(resident, result["resident_bytes"],
                                   result["receiver_resident_bytes"])
                print(json.dumps({"round": round_number, "tool": tool.name, **result}), flush=True)

        for tool, values in rates.items():
            print(f"{tool}: median {statistics.median(values):.2f} Gbit/s, "
                  f"{min(values):.2f} to {max(values):.2f}, {len(values)} runs of {arguments.size} bytes")
        if "scp" in rates:
            ratio = statistics.median(rates["stt"]) / statistics.median(rates["scp"])
            print(f"stt : scp = {ratio:.2f} : 1")
        print(f"stt: largest resident set of either process {resident / 1e6:.1f} MB")
        for tool in tools:
            if hasattr(tool, "close"):
                tool.close()


if __name__ == "__main__":
    main()
