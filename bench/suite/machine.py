"""What the figures were measured on."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

# Of the processor, what the library or its peers choose their code by.
FLAGS = ("aes", "avx2", "bmi2", "avx512f", "avx512vl", "vaes", "vpclmulqdq", "sha_ni", "asimd", "sha3")


def first_line(*command):
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return output.splitlines()[0].strip() if output else ""


def processor():
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    return {
        "model": fields.get("model name", platform.machine()),
        "family and model": f"{fields.get('cpu family', '?')}/{fields.get('model', '?')}",
        "flags": " ".join(flag for flag in FLAGS if flag in flags),
    }


def describe():
    release = platform.freedesktop_os_release()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "kernel": re.match(r"[\d.]*\d", platform.release()).group(),
        "system": release.get("PRETTY_NAME", ""),
        "virtual": first_line("systemd-detect-virt", "--vm") or "unknown",
        "compiler": first_line("g++", "--version"),
        "openssl": first_line("openssl", "version"),
        "load_before": os.getloadavg()[0],
    }
