#!/usr/bin/env python3
"""The check itself: made-up violations are caught, made-up good files are not."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import check_includes  # noqa: E402

CAUGHT = [
    # file, line, a word of the advice
    ("common/base/x.h", '#include "agent/span/span.h"', "neither program"),
    ("common/base/x.h", '#include "common/telemetry/log.h"', "may include"),
    ("common/otlp/x.cc", '#include "common/http/client.h"', "may include"),
    ("agent/app/x.cc", '#include "gateway/pipeline/batch.h"', "never include each other"),
    ("gateway/sink/x.cc", '#include "agent/span/span.h"', "never include each other"),
    ("agent/span/x.cc", '#include "bpf/abi/event.h"', "agent/kernel"),
    ("agent/app/x.cc", '#include "bpf/abi/event.h"', "agent/kernel"),
    ("agent/kernel/x.cc", '#include "bpf/lib/maps.h"', "values"),
    ("agent/span/x.cc", '#include "agent/process/process_table.h"', "one way"),
    ("agent/connection/x.cc", '#include "agent/span/span.h"', "one way"),
    ("agent/process/x.cc", '#include "agent/app/config.h"', "composition root"),
    ("agent/protocol/http1/x.cc", '#include "common/telemetry/log.h"', "may include"),
    ("agent/app/x.cc", '#include "socktrace.skel.h"', "skeletons"),
    ("agent/span/x.cc", '#include "span.h"', "from the root"),
    ("agent/span/x.cc", '#include "../span/span.h"', "from the root"),
    ("agent/span/x.cc", "  #  include <bpf/libbpf.h>", "libbpf"),
    ("agent/span/x.cc", "#include <absl/container/flat_hash_map.h>", "absl"),
    ("agent/export/x.cc", "#include <google/protobuf/message.h>", "protobuf"),
    ("agent/process/x.cc", "#include <nlohmann/json.hpp>", "nlohmann"),
    ("gateway/app/x.cc", "#include <grpcpp/server.h>", "gRPC"),
    ("agent/app/x.cc", "#include <CLI/CLI.hpp>", "main.cc"),
    ("agent/app/x.cc", "#include <curl/curl.h>", "no folder has been given"),
    ("bpf/abi/x.h", '#include "bpf/lib/maps.h"', "stays there"),
    ("bpf/lib/x.h", '#include "common/base/hash.h"', "may include"),
    ("agent/newfolder/x.cc", "", "no rule for this folder"),
]

ALLOWED = [
    ("common/base/x.h", "#include <tl/expected.hpp>"),
    ("common/http/x.cc", "#include <boost/asio/ip/tcp.hpp>"),
    ("agent/protocol/http1/x.cc", '#include "agent/protocol/exchange.h"'),
    ("agent/span/x.cc", '#include "agent/connection/event.h"'),
    ("agent/metric/x.cc", '#include "agent/span/span.h"'),
    ("agent/export/x.cc", "#include <grpcpp/channel.h>"),
    ("agent/kernel/x.cc", '#include "bpf/abi/event.h"'),
    ("agent/kernel/x.cc", '#include "socktrace.skel.h"'),
    ("agent/kernel/x.cc", "#include <bpf/libbpf.h>"),
    ("agent/process/x.cc", "#include <elf.h>"),
    ("agent/app/main.cc", "#include <CLI/CLI.hpp>"),
    ("agent/app/x.cc", "#include <sys/socket.h>"),
    ("bpf/probe/x.bpf.c", "#include <bpf/bpf_helpers.h>"),
    ("bpf/probe/x.bpf.c", '#include "bpf/lib/infer/stream.h"'),
    ("gateway/sink/kafka/x.cc", "#include <librdkafka/rdkafka.h>"),
    ("gateway/app/x.cc", '#include "gateway/sink/file.h"'),
    ("agent/span/x.cc", '// #include "gateway/app/x.h"'),
]


class CheckIncludes(unittest.TestCase):
    def test_catches_made_up_violations(self):
        for file, line, word in CAUGHT:
            with self.subTest(file=file, line=line):
                found = check_includes.check_text(file, "#pragma once\n" + line + "\n")
                self.assertEqual(len(found), 1)
                self.assertIn(word, found[0][2])
                self.assertEqual(found[0][0], 2 if line else 1)

    def test_lets_good_includes_pass(self):
        for file, line in ALLOWED:
            with self.subTest(file=file, line=line):
                self.assertEqual(check_includes.check_text(file, line + "\n"), [])

    def test_names_file_and_line_and_fails(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "agent/span"))
            with open(os.path.join(root, "agent/span/x.cc"), "w", encoding="utf-8") as file:
                file.write('// one\n\n#include "agent/app/config.h"\n')
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                self.assertEqual(check_includes.main(["check", root]), 1)
            self.assertIn("agent/span/x.cc:3: includes agent/app/config.h: ", said.getvalue())

    def test_an_empty_tree_is_no_success(self):
        with tempfile.TemporaryDirectory() as root:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(check_includes.main(["check", root]), 1)

    def test_every_arrow_points_down(self):
        """No two folders may include each other, over any number of steps."""

        def reaches(start, goal, seen):
            for name in check_includes.FOLDERS:
                if name in seen or not check_includes.within(name, check_includes.FOLDERS[start]) or name == start:
                    continue
                if name == goal or reaches(name, goal, seen | {name}):
                    return True
            return False

        for name in check_includes.FOLDERS:
            with self.subTest(folder=name):
                self.assertFalse(reaches(name, name, set()))


if __name__ == "__main__":
    unittest.main()
