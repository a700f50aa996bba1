#include "common/config/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "common/config/document.h"
#include "common/config/print.h"

namespace wirespan::config {
namespace {

std::optional<std::string> Environment1(const std::string& name) {
  if (name == "WHOLE") return "exporters:\n  debug:\n    verbosity: detailed\n";
  if (name == "PORT") return "4317";
  return std::nullopt;
}

// The merged configuration as YAML, or what is wrong with it.
std::string Merged(const std::vector<std::string>& uris,
                   const std::vector<std::string>& assignments = {}) {
  const Document document = Document::LoadUris(uris, assignments, Environment1);
  if (const auto ok = document.Finish(); !ok) return ok.error().message;
  return PrintYaml(document.value());
}

TEST(SourceTest, TakesTheCollectorsUris) {
  EXPECT_EQ(Merged({"env:WHOLE"}), "exporters:\n  debug:\n    verbosity: detailed\n");
  EXPECT_EQ(Merged({"yaml:exporters::debug::verbosity: basic"}),
            "exporters:\n  debug:\n    verbosity: basic\n");
  EXPECT_EQ(Merged({"yaml:a: {b: 1, c: [x]}", "yaml:a::b: 2"}), "a:\n  b: 2\n  c:\n    - x\n");
  char folder[] = "/tmp/wirespan-source-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string file = std::string(folder) + "/x.yaml";
  std::ofstream(file) << "port: ${env:PORT}\n";
  EXPECT_EQ(Merged({file}), "port: 4317\n");
  EXPECT_EQ(Merged({"file:" + file}), "port: 4317\n");
  std::filesystem::remove_all(folder);
}

TEST(SourceTest, SaysWhatItCannotRead) {
  EXPECT_EQ(Merged({"env:NONE"}), "env:NONE: the environment variable is not set");
  EXPECT_EQ(Merged({"https://example.com/x.yaml"}),
            "https://example.com/x.yaml: configurations are not fetched over the network: save it "
            "as a file first");
  EXPECT_EQ(Merged({"file:/nonexistent/x"}), "file:/nonexistent/x: No such file or directory");
  EXPECT_EQ(Merged({"yaml:[1]"}), "--config yaml:: expected a map of keys and values at the top");
}

TEST(SetTest, AssignmentsWinOverFiles) {
  const std::string file = "yaml:processors::batch: {timeout: 1s, send_batch_size: 5}";
  EXPECT_EQ(Merged({file}, {"processors.batch.timeout=2s"}),
            "processors:\n  batch:\n    timeout: 2s\n    send_batch_size: 5\n");
  EXPECT_EQ(Merged({file}, {"processors::batch::timeout=2s"}),
            "processors:\n  batch:\n    timeout: 2s\n    send_batch_size: 5\n");
  EXPECT_EQ(Merged({}, {"service.pipelines.traces/2.exporters=[otlp, debug]", "x = ${env:PORT}"}),
            "service:\n  pipelines:\n    traces/2:\n      exporters:\n        - otlp\n        - "
            "debug\nx: 4317\n");
  EXPECT_EQ(Merged({}, {"a.b="}), "a:\n  b:\n");
}

TEST(SetTest, RefusesWhatIsNoAssignment) {
  EXPECT_EQ(Merged({}, {"a.b"}), "command line: --set a.b: expected key.sub=value");
  EXPECT_EQ(Merged({}, {"a..b=1"}), "command line: --set a..b: a part of the key is empty");
  EXPECT_EQ(Merged({}, {"=1"}), "command line: --set =1: expected key.sub=value");
  EXPECT_EQ(Merged({}, {"a.b=[1"}).substr(0, 29), "--set a.b: not valid YAML: en");
}

TEST(SetTest, AMistakeIsPlacedAtTheAssignment) {
  const Document document = Document::LoadUris({}, {"a.b=x"}, Environment1);
  document.root()["a"]["b"].Int(0);
  EXPECT_EQ(document.Finish().error().message, "--set a.b: expected a whole number, not \"x\"");
}

TEST(PrintTest, WhatIsPrintedReadsBackAsTheSame) {
  const std::string text =
      "a: \"012\"\nb: ''\nc: {}\nd: []\ne:\nf: \"x: y # z\"\ng: [[1, {k: v}], [], null]\n"
      "h: \"tab\\t line\\n quote\\\" back\\\\ \\x01\"\n\"k: #\": 1\ni: -5\nj: \"null\"\nk: \"%a\"\n"
      "l: @x\n";
  const Document document =
      Document::Parse({{.name = "a", .text = text.substr(0, text.size() - 6)}});
  ASSERT_TRUE(document.Finish()) << document.Finish().error().message;
  const std::string printed = PrintYaml(document.value());
  const Document again = Document::Parse({{.name = "b", .text = printed}});
  ASSERT_TRUE(again.Finish()) << printed << again.Finish().error().message;
  EXPECT_EQ(again.hash(), document.hash()) << printed;
}

TEST(PrintTest, SecretsAreNotShown) {
  const Document document = Document::Parse(
      {{.name = "a", .text = "h: {Authorization: x, Empty: ''}\np: [a, {password: b}]\nq: c\n"}});
  const auto secret = [](const std::vector<std::string_view>& path) {
    return path.front() == "h" || path.back() == "password";
  };
  EXPECT_EQ(PrintYaml(document.value(), secret),
            "h:\n  Authorization: \"[REDACTED]\"\n  Empty: \"\"\np:\n  - a\n  -\n    password: "
            "\"[REDACTED]\"\nq: c\n");
}

}  // namespace
}  // namespace wirespan::config
