#!/usr/bin/env python3
"""Writes the files of a folder as C++: the implementation of gateway/query/static_page.h's StaticFiles().

    tools/embed_page.py FOLDER OUT.cc      a folder that is missing or empty: a program without a page

OUT is left alone where it would not change, and the same files give the same bytes.
"""

import gzip
import hashlib
import pathlib
import re
import sys

# By the end of the name; another one is a mistake of the page's build.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


def literal(data):
    """A byte string as string literals: octal escapes always have three digits, so none runs into the next byte."""
    lines = []
    for at in range(0, len(data), 32):
        lines.append('    "' + "".join(f"\\{byte:03o}" for byte in data[at:at + 32]) + '"')
    return "\n".join(lines) or '    ""'


def embed(folder):
    data, table = [], []
    paths = {"/" + path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for number, (name, path) in enumerate(sorted(paths.items())):
        if path.suffix not in TYPES:
            sys.exit(f"embed_page: {name}: tools/embed_page.py does not know the content type of {path.suffix or 'no suffix'}")
        if not re.fullmatch(r"[A-Za-z0-9._/-]+", name):
            sys.exit(f"embed_page: {name}: a name has letters, digits, '.', '-' and '_' alone")
        content = path.read_bytes()
        packed = gzip.compress(content, 9, mtime=0)
        etag = hashlib.sha256(content).hexdigest()[:32]
        data.append(f"constexpr char kBody{number}[] =\n{literal(packed)};\n")
        table.append(f'    {{"{name}", "{TYPES[path.suffix]}", std::string_view(kBody{number}, {len(packed)}), "\\"{etag}\\""}},\n')
    files = f"constexpr std::array<StaticFile, {len(table)}> kFiles = {{{{\n{''.join(table)}}}}};\n" if table else ""
    answer = "kFiles" if table else "{}"
    return f"""// Made by tools/embed_page.py.
#include <array>

#include "gateway/query/static_page.h"

namespace wirespan::gateway::query {{

namespace {{
{"".join(data)}{files}}}  // namespace

std::span<const StaticFile> StaticFiles() {{ return {answer}; }}

}}  // namespace wirespan::gateway::query
"""


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = embed(folder)
    if out.exists() and out.read_text() == text:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)


if __name__ == "__main__":
    main()
