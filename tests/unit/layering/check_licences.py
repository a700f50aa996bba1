#!/usr/bin/env python3
"""Who is under which licence: Apache-2.0, but what is loaded into the kernel is GPL-2.0, and what both sides compile is under either.

    check_licences.py ROOT

Prints a line for each file that says otherwise; ends with 1 then.
"""

import os
import re
import sys

KERNEL = "GPL-2.0-only"
SHARED = "GPL-2.0-only OR Apache-2.0"
SHARED_FOLDERS = ("bpf/abi", "bpf/lib/infer")  # what programs of user space include, too
OURS = ("agent", "common", "gateway", "tests", "tools", "web/src", "helm", "systemd", "deploy")
SPDX = re.compile(r"SPDX-License-Identifier: ([^*\n]+)")


def sources(root, folder, endings):
    for path, _, names in os.walk(os.path.join(root, folder)):
        if "node_modules" in path.split(os.sep):
            continue
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(path, name), root)


def start_of(root, file, size=400):
    with open(os.path.join(root, file), encoding="utf-8", errors="replace") as f:
        return f.read(size)


def mistakes(root):
    for file, words in (("LICENSE", "Apache License"), ("bpf/LICENSE", "GNU GENERAL PUBLIC LICENSE")):
        if not os.path.exists(os.path.join(root, file)) or words not in start_of(root, file):
            yield f"{file}: must be the text of the {words}"
    for file in sources(root, "bpf", (".c", ".h")):
        wanted = SHARED if file.startswith(SHARED_FOLDERS) else KERNEL
        found = SPDX.search(start_of(root, file).split("\n")[0])
        if found is None or found[1].strip() != wanted:
            yield f'{file}: its first line must say "SPDX-License-Identifier: {wanted}"'
    for folder in OURS:
        for file in sources(root, folder, (".cc", ".h", ".c", ".py", ".ts", ".go", ".java", ".mjs", ".sh")):
            found = SPDX.search(start_of(root, file).split("\n")[0])
            if found is not None and found[1].strip() != "Apache-2.0":
                yield f"{file}: is under {found[1].strip()}, but only bpf/ may be under anything but Apache-2.0"


def main():
    found = list(mistakes(sys.argv[1]))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
