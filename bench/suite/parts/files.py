"""One file between two processes on loopback, by whole programs."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import string
import subprocess
import time

from ..measuring import COMMAND_SECONDS_MAX, STT, Metric, Outcome, Part, Run, Unavailable, complain

CASE = "one file"
READY_SECONDS_MAX = 5

SSH = ("ssh -q -p $port -i $folder/user-key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
       "-o LogLevel=ERROR -o ControlPath=none")
SSHD = ["$sshd", "-D", "-e", "-f", "/dev/null", "-p", "$port", "-h", "$folder/host-key",
        "-o", "ListenAddress=127.0.0.1", "-o", "AuthorizedKeysFile=$folder/user-key.pub", "-o", "StrictModes=no",
        "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "Subsystem=sftp internal-sftp"]

# A server that is started for each transfer, and a client that is measured from its start to its
# end. Words may hold $port (free), $folder (keys), $name of the file, $source that it is in, $target
# where it is to be, $user. "protocol": of the port, to know when the server listens. Whoever wants
# to compare with more writes such a list as JSON: scripts/bench --tools FILE.
TOOLS = (
    {"name": STT, "protocol": "udp",
     "server": ["$stt", "receive", "--once", "--seed", "$folder/seed", "--listen", "127.0.0.1:$port",
                "--websocket", "off", "$target"],
     "client": ["$stt", "send", "--seed", "$folder/seed", "$source/$name", "127.0.0.1:$port"]},
    {"name": "scp", "needs": ["scp", "$sshd"], "protocol": "tcp", "server": SSHD,
     "client": ["scp", "-q", "-S", "$folder/ssh", "$source/$name", "$user@127.0.0.1:$target/"]},
    {"name": "rsync over ssh", "needs": ["rsync", "$sshd"], "protocol": "tcp", "server": SSHD,
     "client": ["rsync", "--whole-file", "--inplace", "-e", "$folder/ssh", "$source/$name",
                "$user@127.0.0.1:$target/"]},
    {"name": "rclone, WebDAV over TLS", "needs": ["rclone"], "protocol": "tcp",
     "server": ["rclone", "serve", "webdav", "--addr", "127.0.0.1:$port", "--cert", "$folder/certificate.pem",
                "--key", "$folder/key.pem", "$source"],
     "client": ["rclone", "copyurl", "--no-check-certificate", "https://127.0.0.1:$port/$name", "$target/$name"]},
    {"name": "uftp, AES-256-GCM", "needs": ["uftp", "uftpd"], "protocol": "udp",
     "server": ["uftpd", "-d", "-I", "lo", "-p", "$port", "-D", "$target", "-B", "8388608"],
     "client": ["uftp", "-I", "lo", "-p", "$port", "-H", "127.0.0.1", "-M", "127.0.0.1", "-P", "127.0.0.1", "-R", "-1",
                "-Y", "aes256-gcm", "-h", "sha256", "-B", "8388608", "$source/$name"]},
)


def make_keys(folder, stt):
    """What the tools authenticate with, all made for the run."""
    def run(*words):
        subprocess.run(words, check=True, capture_output=True)

    run(stt, "seed", "new", folder / "seed")
    if shutil.which("ssh-keygen"):
        for name in ("host-key", "user-key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem")
    # scp and rsync are given one program to call.
    script = folder / "ssh"
    script.write_text('#!/bin/sh\nexec ' + SSH.replace("$folder", str(folder)).replace("$port", '"$STT_BENCH_PORT"')
                      + ' "$@"\n')
    script.chmod(0o755)


def free_port(protocol):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(protocol, port, process):
    """Until somebody listens there, by the kernel's own list."""
    end = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < end:
        for name in (protocol, protocol + "6"):
            for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port and fields[3] in ("0A", "07"):
                    return
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen")


def processor_seconds(usage):
    return usage.ru_utime + usage.ru_stime


def resident_max(process):
    """The largest resident set so far. Not of wait4(): that begins with this process's own."""
    try:
        for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1_024
    except OSError:
        pass
    return 0  # it has ended


def watch(client, server, end):
    """Until the client has ended, and is left to be waited for; the largest resident sets of both."""
    resident = [0, 0]
    ended = os.pidfd_open(client.pid)
    try:
        while not select.select([ended], [], [], 0.02)[0]:
            resident = [max(before, resident_max(process))
                        for before, process in zip(resident, (client, server))]
            if time.monotonic() > end:
                os.kill(client.pid, signal.SIGKILL)
                raise RuntimeError("takes too long")
        return resident
    finally:
        os.close(ended)


def transfer(tool, words_of, setting, size):
    target = setting.folder / "target"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    port = free_port(tool["protocol"])
    environment = {**os.environ, "STT_BENCH_PORT": str(port)}
    server = subprocess.Popen(words_of(tool["server"], port), env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(tool["protocol"], port, server)
        begin = time.monotonic()
        client = subprocess.Popen(words_of(tool["client"], port), env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        resident = watch(client, server, begin + COMMAND_SECONDS_MAX)
        seconds = time.monotonic() - begin
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        fault = client.stderr.read().decode(errors="replace").strip()
        client.stderr.close()
        arrived = target / tool.get("name_there", "file.bin")
        if client.returncode != 0 or not arrived.is_file() or arrived.stat().st_size != size:
            raise RuntimeError(f"the file did not arrive: {client.returncode}: {fault[-300:]}")
    finally:
        # Some end by themselves, and all take their children's time with them. Not by Popen's own
        # methods, which would take the process's end, and its usage with it.
        time.sleep(0.1)
        os.kill(server.pid, signal.SIGTERM)
        _, status, server_usage = os.wait4(server.pid, 0)
        server.returncode = os.waitstatus_to_exitcode(status)
    gigabytes = size / 1e9
    return [Outcome(CASE, tool["name"], {
        "gbit_per_second": gigabytes * 8 / seconds,
        "cpu_seconds_per_gb": (processor_seconds(usage) + processor_seconds(server_usage)) / gigabytes,
        "client_resident_mb": resident[0] / 1e6, "server_resident_mb": resident[1] / 1e6})]


def write_file(path, size):
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for at in range(0, size, len(block)):
            file.write(block[: min(len(block), size - at)])


@contextlib.contextmanager
def prepare(setting):
    folder = setting.folder / "keys"
    source = setting.folder / "source"
    for each in (folder, source):
        each.mkdir(parents=True, exist_ok=True)
    stt = setting.program("stt")
    make_keys(folder, stt)
    size = setting.pick(1_000_000_000, 100_000_000)
    write_file(source / "file.bin", size)
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # sshd wants it, where no service has made it

    def words_of(words, port):
        known = {"port": port, "folder": folder, "source": source, "name": "file.bin", "stt": stt, "sshd": sshd,
                 "target": setting.folder / "target", "user": os.environ.get("USER") or "root"}
        return [string.Template(word).substitute(known) for word in words]

    runs = []
    for tool in TOOLS + setting.foreign_tools:
        missing = [name for name in words_of(tool.get("needs", []), 0) if not shutil.which(name)]
        if missing:
            complain(f"files: left out: {tool['name']}: not installed: {', '.join(missing)}")
        else:
            runs.append(Run(tool["name"], lambda tool=tool: transfer(tool, words_of, setting, size)))
    if not runs:
        raise Unavailable("no tools")
    try:
        yield runs
    finally:
        shutil.rmtree(source)


PART = Part(
    name="files",
    title="One file, by whole programs",
    text="""A file of 1 GB, from the start of the sending (or fetching) program until it has ended; its server was
there before. `stt receive` writes what it got to the disk (fsync) before it confirms; the others do not.
Resident sets are of the processes that were started, without their children (ssh under scp).""",
    prepare=prepare,
    metrics=(Metric("gbit_per_second", "Gbit/s"),
             Metric("cpu_seconds_per_gb", "CPU s for a GB, both", 2, is_more_better=False),
             Metric("client_resident_mb", "largest resident set, MB, client", 1, is_more_better=False),
             Metric("server_resident_mb", "server", 1, is_more_better=False)),
    rounds_max=3)
