#!/usr/bin/env python3
"""Holds the #includes to the layers: one folder of src/ is one library.

 * A folder declares in its CMakeLists.txt the DEPS whose headers it includes; each has to
   be allowed by the table below, and including what is not declared is an error.
 * The pure folders know no clock, socket, thread, file or randomness of the system.
 * cli/ and examples/ see only the public headers, <stt/...>.
 * bindings/wasm sees those that need no system, the pure folders, and the records of transfers.

Prints one line for each fault; the exit code is 1 when there is any.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

BELOW_CORE = ["base", "codec", "stc", "core/wire"]
ALLOWED = {
    "base": [],
    "codec": ["base"],
    "stc": ["base", "codec"],
    "core/wire": ["base", "codec"],
    "core/trace": ["base", "codec", "core/wire"],
    "core/handshake": BELOW_CORE,
    "core/session": BELOW_CORE,
    "core/stream": ["base", "codec", "core/wire"],
    "core/recovery": ["base", "codec", "core/wire"],
    "core/connection": BELOW_CORE + [
        "core/trace", "core/handshake", "core/session", "core/stream", "core/recovery"],
    "core/websocket": ["base", "codec", "stc"],
    "platform": ["base", "stc"],
    "transport/udp": ["base", "platform"],
    "transport/websocket": ["base", "stc", "core/websocket", "platform"],
    "node": BELOW_CORE + [
        "core/trace", "core/handshake", "core/session", "core/stream", "core/recovery",
        "core/connection",
        "core/websocket", "platform", "transport/udp", "transport/websocket"],
}
PURE = ("base", "codec", "stc", "core")
# Of the command, what bindings/wasm has in common with it: bytes, and no files.
WEB_SHARED = ("cli/transfer/message.hpp", "cli/transfer/part_name.hpp",
              "cli/transfer/path_rules.hpp", "cli/transfer/record_reader.hpp")

# sys/auxv.h says what the processor can do, for which other architectures have an instruction.
IMPURE_HEADER = re.compile(
    r"asio(/|\.hpp)|sys/(?!auxv\.h$)|netinet/|arpa/|net/|linux/|(poll|unistd|fcntl|netdb|pthread|time)\.h$"
    r"|(ctime|thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier"
    r"|stop_token|filesystem|fstream|iostream|coroutine)$")
IMPURE_NAME = re.compile(
    r"\b(steady_clock|system_clock|high_resolution_clock|clock_gettime|gettimeofday"
    r"|getrandom|getentropy|random_device|arc4random\w*|s?rand|getenv|pthread_\w+)\b"
    r"|\bstd::(mutex|shared_mutex|thread|jthread|async|filesystem|cout|cerr|cin)\b"
    r"|(?<![\w>])::(socket|sendto|recvfrom|sendmsg|recvmsg|bind|open|ioctl)\s*\("
    r"|(?<![\w.>])time\s*\(\s*(nullptr|NULL|0|&)")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


class Report:
    def __init__(self):
        self.faults = []

    def add(self, path, line, text):
        self.faults.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def sources_under(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".hpp", ".cpp", ".h"))


def includes_of(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def without_comments_and_texts(text):
    # Line breaks stay, so that line numbers do.
    return NO_CODE.sub(lambda match: "\n" * match.group().count("\n"), text)


def declared_libraries(report):
    """Folder -> DEPS, from the stt_add_library() calls."""
    libraries = {}
    for cmake in sorted((ROOT / "src").rglob("CMakeLists.txt")):
        text = re.sub(r"#[^\n]*", "", cmake.read_text(encoding="utf-8"))
        for words in re.findall(r"stt_add_library\(([^)]*)\)", text):
            folder, *rest = words.split()
            if cmake.parent != ROOT / "src" / folder:
                report.add(cmake, 1, f"declares the library of another folder, {folder}")
            keyword, deps = None, []
            for word in rest:
                if word in ("SOURCES", "DEPS", "LIBRARIES"):
                    keyword = word
                elif keyword == "DEPS":
                    deps.append(word)
            libraries[folder] = deps
            for dep in deps:
                if dep not in ALLOWED.get(folder, []):
                    report.add(cmake, 1, f"{folder} may not depend on {dep}")
            if folder not in ALLOWED:
                report.add(cmake, 1, f"{folder} is in no layer: add it to scripts/check_layers.py")
    return libraries


def folder_of(include, folders):
    """The library that an include path like core/wire/frame.hpp belongs to."""
    parts = include.split("/")
    for count in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:count]) in folders:
            return "/".join(parts[:count])
    return None


def public_headers_with_input():
    """Public headers that reach Asio, by whatever way."""
    headers = {f"stt/{path.name}": path for path in sources_under(ROOT / "include" / "stt")}
    includes = {name: {include for _, include in includes_of(path)}
                for name, path in headers.items()}
    reached = {name for name, seen in includes.items()
               if any(IMPURE_HEADER.match(include) for include in seen)}
    while True:
        more = {name for name, seen in includes.items() if seen & reached} - reached
        if not more:
            return reached
        reached |= more


def check_library(folder, deps, folders, impure_public, report):
    is_pure = folder.split("/")[0] in PURE
    for path in sources_under(ROOT / "src" / folder):
        own = path.parent.relative_to(ROOT / "src").as_posix()
        # src/transport/udp is not a part of a library src/transport.
        if folder_of(own + "/x", folders) != folder:
            continue
        for line, include in includes_of(path):
            target = folder_of(include, folders)
            if include.startswith(("..", "tests/", "testing/", "cli/")):
                report.add(path, line, f"{include} is not a header of src/ or include/")
            elif target not in (None, folder) and target not in deps:
                report.add(path, line, f"{folder} includes {include} without {target} in DEPS")
            elif is_pure and (IMPURE_HEADER.match(include) or include in impure_public):
                report.add(path, line, f"{folder} is pure and may not include {include}")
        if is_pure:
            code = without_comments_and_texts(path.read_text(encoding="utf-8"))
            for match in IMPURE_NAME.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                report.add(path, line, f"{folder} is pure and may not use {match.group().strip()}")


def check_users(report):
    """Programs that stand for an application."""
    internal = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    for name in ("cli", "examples"):
        for path in sources_under(ROOT / name):
            for line, include in includes_of(path):
                is_internal = "/" in include and include.split("/")[0] in internal
                outside = include.startswith("..") and not (
                    (path.parent / include).resolve().is_relative_to(ROOT / name))
                if is_internal or outside:
                    report.add(path, line, f"{name} may include only <stt/...>, not {include}")


def check_web_binding(folders, impure_public, report):
    """The engine in a browser: nothing that a browser does not have."""
    binding = ROOT / "bindings" / "wasm"
    own = {path.name for path in binding.iterdir()}
    for path in sources_under(binding):
        for line, include in includes_of(path):
            target = folder_of(include, folders)
            is_pure = target is not None and target.split("/")[0] in PURE
            if target is not None and not is_pure:
                report.add(path, line, f"bindings/wasm may not include {include}")
            elif IMPURE_HEADER.match(include) or include in impure_public:
                report.add(path, line, f"bindings/wasm is for browsers and may not have {include}")
            elif target is None and "/" in include and not include.startswith("stt/") and (
                    include not in WEB_SHARED):
                report.add(path, line, f"{include} is not for bindings/wasm")
            elif "/" not in include and include.endswith(".hpp") and include not in own:
                report.add(path, line, f"{include} is not in bindings/wasm")
        code = without_comments_and_texts(path.read_text(encoding="utf-8"))
        for match in IMPURE_NAME.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            report.add(path, line, f"bindings/wasm may not use {match.group().strip()}")


def check_every_source_is_in_a_library(folders, report):
    for path in sources_under(ROOT / "src"):
        own = path.parent.relative_to(ROOT / "src").as_posix()
        if folder_of(own + "/x", folders) is None:
            report.add(path, 1, "belongs to no library: its folder has no stt_add_library()")


def main():
    report = Report()
    libraries = declared_libraries(report)
    impure_public = public_headers_with_input()
    for folder, deps in sorted(libraries.items()):
        check_library(folder, deps, set(libraries), impure_public, report)
    check_users(report)
    check_web_binding(set(libraries), impure_public, report)
    check_every_source_is_in_a_library(set(libraries), report)
    for fault in report.faults:
        print(fault)
    print(f"layers: {len(libraries)} libraries, {len(report.faults)} faults")
    return 1 if report.faults or not libraries else 0


if __name__ == "__main__":
    sys.exit(main())
