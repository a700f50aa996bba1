#!/usr/bin/env python3
"""Reads every #include below bpf/, common/, agent/ and gateway/ and compares it with who may include whom.

    check_includes.py ROOT

Prints file:line and what to do instead for each one that is not allowed; ends with 1 then.
"""

import os
import re
import sys

# Folder -> folders of ours that it may include, itself aside. The longest prefix of a file's folder counts; a name
# that ends in /* stands for all folders below, and the folder. No name below: nothing may stand there.
FOLDERS = {
    "bpf/abi": [],
    "bpf/lib": ["bpf/abi"],
    "bpf/probe": ["bpf/abi", "bpf/lib/*"],
    "common/base": [],
    "common/config": ["common/base", "common/telemetry"],
    "common/http": ["common/base", "common/telemetry"],
    "common/kube": ["common/base", "common/telemetry", "common/http", "common/retry"],
    "common/otlp": ["common/base", "common/telemetry"],
    "common/queue": ["common/base", "common/telemetry"],
    "common/retry": ["common/base", "common/telemetry"],
    "common/telemetry": ["common/base"],
    "agent/protocol": ["agent/protocol/*", "common/base"],
    "agent/connection": ["agent/protocol/*", "common/base", "common/telemetry"],
    "agent/process": ["common/base", "common/telemetry", "common/http", "common/kube"],
    "agent/kernel": ["bpf/abi", "agent/process", "agent/connection", "common/base", "common/telemetry"],
    "agent/span": ["agent/connection", "agent/protocol/*", "common/base", "common/telemetry"],
    "agent/metric": ["agent/connection", "agent/span", "agent/protocol/*", "common/base", "common/telemetry"],
    "agent/export": ["agent/span", "agent/metric", "common/*"],
    "agent/app": ["agent/*", "common/*"],
    "gateway/pipeline": ["common/base", "common/otlp", "common/telemetry", "common/kube"],
    "gateway/ingest": ["gateway/pipeline", "common/*"],
    "gateway/sink": ["gateway/pipeline", "common/*"],
    "gateway/query": ["gateway/ingest", "gateway/sink", "gateway/sink/store/*", "gateway/pipeline", "common/*"],
    "gateway/extension": ["gateway/sink/store/*", "gateway/pipeline", "common/*"],
    "gateway/app": ["gateway/*", "common/*"],
}

# A library of others: how its headers begin, and the folders that may know it.
LIBRARIES = [
    ("fmt", r"fmt/", ["common/*", "agent/*", "gateway/*"]),
    ("tl::expected", r"tl/", ["common/base"]),
    ("xxhash", r"xxhash\.h|xxh3\.h", ["common/base"]),
    ("absl", r"absl/", ["common/base"]),
    ("yaml-cpp", r"yaml-cpp/", ["common/config"]),
    ("spdlog", r"spdlog/", ["common/telemetry"]),
    ("Boost", r"boost/", ["common/http"]),
    ("nghttp2", r"nghttp2/", ["common/http"]),
    ("OpenSSL", r"openssl/", ["common/http"]),
    ("crypt", r"crypt\.h", ["common/http"]),
    ("nlohmann-json", r"nlohmann/", ["common/http", "common/kube", "agent/app"]),
    ("protobuf", r"google/protobuf/|opentelemetry/proto/", ["common/otlp"]),
    ("zlib", r"zlib\.h|zconf\.h", ["common/otlp", "common/queue"]),
    ("ISA-L", r"isa-l", ["common/otlp", "common/queue"]),
    ("libdeflate", r"libdeflate\.h", ["common/otlp", "common/queue"]),
    ("zstd", r"zstd", ["common/otlp", "common/queue"]),
    ("libelf", r"libelf\.h|gelf\.h|elfutils/|dwarf\.h", ["agent/process"]),
    ("libbpf", r"bpf/(bpf|libbpf|libbpf_[a-z]+|btf|skel_internal)\.h", ["agent/kernel"]),
    ("libbpf's BPF headers", r"bpf/(bpf_[a-z_]+)\.h", ["bpf/lib/*", "bpf/probe"]),
    ("gRPC", r"grpc(pp)?/", ["agent/export", "gateway/ingest", "gateway/sink/*"]),
    ("librdkafka", r"librdkafka/", ["gateway/sink/kafka"]),
    ("RE2", r"re2/", ["gateway/pipeline"]),
    ("CLI11", r"CLI/", ["agent/app", "gateway/app"]),
]

# Libraries that one file of a folder may know.
ONE_FILE = {"CLI11": "main.cc"}

# The system: the C++ standard's names have neither dot nor slash; the kernel's and libc's headers are these.
SYSTEM = re.compile(
    r"[a-z0-9_]+$|(sys|linux|asm|asm-generic|net|netinet|arpa|bits)/[a-z0-9_/.-]+\.h$|"
    r"(dirent|elf|endian|errno|fcntl|features|grp|ifaddrs|link|netdb|poll|pthread|pwd|sched|semaphore|signal|spawn|"
    r"std[a-z]+|string|strings|sysexits|syslog|termios|time|ucontext|unistd|utime|wait|assert|ctype|limits|math|"
    r"float|inttypes|locale|malloc|getopt|dlfcn|execinfo|cpuid|immintrin|arm_neon|x86intrin)\.h$"
)

SKELETON = re.compile(r"([^/]+\.)?skel\.h$|[^/]+\.skel\.h$")
KERNEL_TYPES = re.compile(r"vmlinux[^/]*\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
ENDINGS = (".h", ".hh", ".hpp", ".cc", ".cpp", ".c")
TOPS = ("bpf", "common", "agent", "gateway")


def within(folder, names):
    for name in names:
        if name.endswith("/*"):
            if folder == name[:-2] or folder.startswith(name[:-1]):
                return True
        elif folder == name:
            return True
    return False


def rule_of(folder):
    """The entry of FOLDERS that a file's folder falls under, or None."""
    while folder:
        if folder in FOLDERS:
            return folder
        folder = os.path.dirname(folder)
    return None


def listed(names):
    return ", ".join(name.replace("/*", " and below") for name in names) or "nothing else of ours"


def advise(folder, rule, target):
    """Why `folder` may not include a file of the folder `target`, and what to do instead; None: it may."""
    if folder == target or target == rule or target.startswith(rule + "/"):
        return None
    if within(target, FOLDERS[rule]):
        return None
    top, target_top = folder.split("/")[0], target.split("/")[0]
    if target == "bpf/abi":
        return "only agent/kernel reads the ABI: copy what you need into a value type there and take that"
    if top == "common" and target_top != "common":
        return f"common knows neither program: move what both need from {target} down into common, or this file up"
    if {top, target_top} == {"agent", "gateway"}:
        return "agent and gateway never include each other: move what both need into common, or speak OTLP"
    if target_top == "bpf":
        return "what runs in the kernel stays there: take events as values from agent/connection/event.h"
    if target.endswith("/app"):
        return f"{target} is the composition root: pass what you need in through an interface of {rule}"
    if target_top == top and top in ("agent", "gateway"):
        return (f"data flows one way: let {target} hand a value over, or declare an interface in {rule} that the app "
                f"folder implements ({rule} may include {listed(FOLDERS[rule])})")
    return (f"{rule} may include {listed(FOLDERS[rule])}: move the shared part there, or pass it in; a new arrow "
            f"needs a page in docs/decisions")


def check_ours(folder, rule, path):
    if SKELETON.search(path):
        return None if within(folder, ["agent/kernel"]) else (
            "BPF skeletons belong to agent/kernel: ask its classes instead")
    if KERNEL_TYPES.match(path):
        return None if folder.startswith("bpf/") else "kernel types belong to bpf/: read them there"
    if path.split("/")[0] not in TOPS:
        return "name the file from the root of the tree on: \"agent/span/span.h\""
    if path.startswith("bpf/") and folder.startswith("bpf/") and "/" not in path[4:]:
        return None
    return advise(folder, rule, os.path.dirname(path))


def check_outside(folder, name, path):
    for library, pattern, allowed in LIBRARIES:
        if not re.match(pattern, path):
            continue
        if not within(folder, allowed):
            return f"{library} is known to {listed(allowed)} alone: use what that folder offers, or add it there"
        if library in ONE_FILE and name != ONE_FILE[library]:
            return f"{library} is for {ONE_FILE[library]} alone: pass the parsed options on as a struct"
        return None
    if folder.startswith("bpf/") and path.startswith("linux/"):
        return None
    if SYSTEM.match(path):
        return None
    return ("no folder has been given this library: choose one that wraps it, add it to LIBRARIES here, and say why "
            "in docs/decisions")


def check_text(file, text):
    """Violations in one file (path from the root on): [(line, what was included, what to do instead)]."""
    folder, name = os.path.split(file)
    rule = rule_of(folder)
    if rule is None:
        return [(1, folder, "no rule for this folder: add it to FOLDERS here, with what it may include")]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        ours, outside = match.groups()
        # bpf/bpf_helpers.h and the like are libbpf's, bpf/abi/... are ours, whatever the quotes.
        path = ours or outside
        is_ours = ours is not None and not re.match(r"bpf/[a-z_]+\.h$", ours)
        advice = check_ours(folder, rule, path) if is_ours else check_outside(folder, name, path)
        if advice:
            found.append((number, path, advice))
    return found


def check_tree(root):
    found, files = [], 0
    for top in TOPS:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(names):
                if not name.endswith(ENDINGS):
                    continue
                files += 1
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8", errors="replace") as text:
                    relative = os.path.relpath(path, root)
                    found += [(relative,) + one for one in check_text(relative, text.read())]
    return files, found


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    files, found = check_tree(arguments[1])
    for file, line, path, advice in found:
        print(f"{file}:{line}: includes {path}: {advice}")
    print(f"{files} files, {len(found)} includes that are not allowed")
    if files == 0:
        print(f"no sources below {arguments[1]}", file=sys.stderr)
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
