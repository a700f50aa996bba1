#include "common/config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "common/base/strings.h"
#include "common/config/yaml.h"

namespace wirespan::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Environment Fake(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

Document Parse(std::string text, Environment environment = Fake({})) {
  return Document::Parse({{.name = "a.yaml", .text = std::move(text)}}, environment);
}

std::string ErrorsOf(const Document& document) {
  const auto finished = document.Finish();
  return finished ? "" : finished.error().message;
}

TEST(DocumentTest, ReadsTypedValues) {
  auto document = Parse(R"(
name: wire
port: 4317
on: true
ratio: 0.5
wait: 1m30s
size: 64MiB
mode: fast
globs: [ "/usr/*", nginx ]
one: single
headers: {a: x, b: "2"}
token: hunter2
empty:
)");
  const Node root = document.root();
  EXPECT_EQ(root["name"].String(), "wire");
  EXPECT_EQ(root["port"].Int(0, 1, 65535), 4317);
  EXPECT_TRUE(root["on"].Bool(false));
  EXPECT_EQ(root["ratio"].Number(0, 0, 1), 0.5);
  EXPECT_EQ(root["wait"].Duration(0s), 90s);
  EXPECT_EQ(root["size"].Size(0), 64u << 20);
  EXPECT_EQ(root["mode"].Choice<int>(0, {{"slow", 1}, {"fast", 2}}), 2);
  EXPECT_TRUE(root["globs"].Globs().Matches("/usr/bin/x"));
  EXPECT_THAT(root["one"].Strings(), ElementsAre("single"));
  EXPECT_THAT(root["headers"].StringMap(), ElementsAre(Pair("a", "x"), Pair("b", "2")));
  EXPECT_EQ(root["token"].Secret().reveal(), "hunter2");
  EXPECT_EQ(root["empty"].String("fallback"), "fallback");
  EXPECT_EQ(root["absent"]["deeper"].Int(7), 7);
  root.RefuseOthers();
  EXPECT_EQ(ErrorsOf(document), "");
}

TEST(DocumentTest, TellsEveryFaultWithItsPlace) {
  auto document = Parse(
      "recievers: 1\n"
      "port: http\n"
      "export:\n"
      "  endpont: x\n"
      "  timeout: 5\n"
      "  retry: [1]\n"
      "ratio: 2\n"
      "on: yes\n"
      "quoted: \"1\"\n"
      "mode: fats\n"
      "globs:\n"
      "  - ok\n"
      "  - '['\n"
      "  - {a: b}\n");
  const Node root = document.root();
  root.Allow("receivers");
  root["port"].Int(1);
  root["export"]["endpoint"].String();
  root["export"]["timeout"].Duration(1s);
  root["export"]["retry"]["max"].Int(1);
  root["export"].RefuseOthers();
  root["ratio"].Number(0, 0, 1);
  root["on"].Bool(false);
  root["quoted"].Int(0);
  root["mode"].Choice<int>(0, {{"slow", 1}, {"fast", 2}});
  root["globs"].Globs();
  root.RefuseOthers();
  EXPECT_EQ(ErrorsOf(document),
            "a.yaml:1:1: unknown key \"recievers\" (did you mean \"receivers\"?)\n"
            "a.yaml:2:7: expected a whole number, not \"http\"\n"
            "a.yaml:4:3: unknown key \"endpont\" (did you mean \"endpoint\"?)\n"
            "a.yaml:5:12: expected a duration such as 5s, 250ms or 1h30m, not \"5\" (the unit is "
            "missing)\n"
            "a.yaml:6:10: expected a map with keys such as \"max\", not a list\n"
            "a.yaml:7:8: must be 0 to 1\n"
            "a.yaml:8:5: expected true or false, not \"yes\"\n"
            "a.yaml:9:9: expected a whole number, not a text in quotes\n"
            "a.yaml:10:7: expected one of slow, fast, not \"fats\" (did you mean \"fast\"?)\n"
            "a.yaml:13:5: pattern \"[\" has a '[' without its ']'\n"
            "a.yaml:14:5: expected a pattern, not a map");
}

TEST(DocumentTest, AnUnknownKeyFarFromAllListsThem) {
  auto document = Parse("banana: 1\n");
  document.root().Allow("tls");
  document.root().Allow("endpoint");
  document.root().RefuseOthers();
  EXPECT_EQ(ErrorsOf(document), "a.yaml:1:1: unknown key \"banana\" (known here: endpoint, tls)");
}

TEST(DocumentTest, RefusesDuplicateKeysTagsAndSeveralDocuments) {
  EXPECT_EQ(ErrorsOf(Parse("a: 1\nb:\n  c: 1\n  c: 2\n")),
            "a.yaml:4:3: key \"c\" stands here twice");
  EXPECT_THAT(ErrorsOf(Parse("a: !foo x\n")), HasSubstr("tag \"!foo\" is not supported"));
  EXPECT_THAT(ErrorsOf(Parse("a: 1\n---\nb: 2\n")), HasSubstr("several documents"));
  EXPECT_THAT(ErrorsOf(Parse("[a]: 1\n")), HasSubstr("a key must be plain text"));
  EXPECT_THAT(ErrorsOf(Parse("- a\n")),
              HasSubstr("a.yaml:1:1: expected a map of keys and values at the top"));
}

TEST(DocumentTest, SyntaxErrorsHaveAPlace) {
  const auto document = Parse("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_TRUE(document.broken());
  EXPECT_THAT(ErrorsOf(document), HasSubstr("a.yaml:"));
  EXPECT_THAT(ErrorsOf(document), HasSubstr("not valid YAML: "));
  EXPECT_THAT(ErrorsOf(Parse("a: 1\nb: \xff\n")), HasSubstr("a.yaml:2:1: this line is not UTF-8"));
  EXPECT_THAT(ErrorsOf(Parse(std::string("a: \0b\n", 6))), HasSubstr("a.yaml:1:4: a NUL byte"));
}

TEST(DocumentTest, TextThatMakesDocumentsWithoutEndIsRefusedAtOnce) {
  for (const std::string text :
       {",", "]", "}", ", a: 1\n", ",{env${es: text\nd: 1.l:\n- s:rue\n", "a: 1\n---\n,"}) {
    SCOPED_TRACE(text);
    EXPECT_NE(ErrorsOf(Parse(text)), "");
  }
  EXPECT_THAT(ErrorsOf(Parse(", a: 1\n")), HasSubstr("a.yaml:1:1"));
}

TEST(DocumentTest, EmptyTextIsAnEmptyMap) {
  for (const char* text : {"", "# nothing\n", "---\n", "null\n"}) {
    const auto document = Parse(text);
    EXPECT_TRUE(document.root().is_map());
    EXPECT_EQ(ErrorsOf(document), "") << text;
  }
}

TEST(DocumentTest, LaterFilesWin) {
  auto document =
      Document::Parse({{.name = "a.yaml", .text = "m: {x: 1, y: [1, 2], z: {p: 1}}\nk: 1\n"},
                       {.name = "b.yaml", .text = "m:\n  y: [3]\n  z: {q: bad}\n"}},
                      Fake({}));
  const Node root = document.root();
  EXPECT_EQ(root["m"]["x"].Int(0), 1);
  EXPECT_THAT(root["m"]["y"].Strings(), ElementsAre("3"));
  EXPECT_EQ(root["m"]["z"]["p"].Int(0), 1);
  EXPECT_EQ(root["k"].Int(0), 1);
  root["m"]["z"]["q"].Int(0);
  EXPECT_EQ(ErrorsOf(document), "b.yaml:3:10: expected a whole number, not \"bad\"");
}

TEST(DocumentTest, MissingFilesAreToldTogether) {
  char folder[] = "/tmp/wirespan-config-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string good = std::string(folder) + "/good.yaml";
  std::ofstream(good) << "a: x\n";
  auto document = Document::Load({std::string(folder) + "/none.yaml", good, folder}, Fake({}));
  document.root()["a"].Int(0);
  EXPECT_TRUE(document.broken());
  EXPECT_EQ(ErrorsOf(document), std::string(folder) + "/none.yaml: No such file or directory\n" +
                                    good + ":1:4: expected a whole number, not \"x\"\n" + folder +
                                    ": Is a directory");
  std::filesystem::remove_all(folder);
}

TEST(ExpansionTest, FollowsTheCollector) {
  auto document = Parse(
      "port: ${env:PORT}\n"
      "quoted: \"${env:PORT}\"\n"
      "bare: ${PORT}\n"
      "url: http://${env:HOST:-localhost}:${env:PORT}/$$x$y\n"
      "fallback: ${env:NONE:-5s}\n"
      "unset: ${env:NONE}\n"
      "list: ${env:LIST}\n"
      "nested: ${env:OUTER}\n"
      "text: ${env:TEXT}\n",
      Fake({{"PORT", "4317"},
            {"LIST", "[a, b]"},
            {"OUTER", "<${env:PORT}>"},
            {"TEXT", "\"0123\""}}));
  const Node root = document.root();
  EXPECT_EQ(root["port"].Int(0), 4317);
  EXPECT_EQ(root["quoted"].Int(0), 4317);
  EXPECT_EQ(root["bare"].Int(0), 4317);
  EXPECT_EQ(root["url"].String(), "http://localhost:4317/$x$y");
  EXPECT_EQ(root["fallback"].Duration(0s), 5s);
  EXPECT_EQ(root["unset"].String("default"), "default");
  EXPECT_THAT(root["list"].Strings(), ElementsAre("a", "b"));
  EXPECT_EQ(root["nested"].String(), "<4317>");
  EXPECT_EQ(root["text"].String(), "0123");
  EXPECT_EQ(ErrorsOf(document), "");
  ASSERT_EQ(document.warnings().size(), 1u);
  EXPECT_EQ(document.warnings()[0].text(),
            "a.yaml:6:8: environment variable NONE is not set; taken as empty");
}

TEST(ExpansionTest, ReadsFilesWhereThereIsAReader) {
  const FileReader reader = [](const std::string& path) -> Result<std::string> {
    if (path == "/token") return std::string("s3cret\n");
    if (path == "/part.yaml") return std::string("a: 1\nb: [x, \"${env:V}\"]\n");
    return Fail(ErrorCode::kInvalidArgument, "No such file or directory");
  };
  auto document = Document::Parse({{.name = "a.yaml",
                                    .text = "token: ${file:/token}\n"
                                            "mixed: Bearer ${file:${env:DIR}token}\n"
                                            "part: ${file:/part.yaml}\n"
                                            "gone: ${file:/none}\n"}},
                                  Fake({{"DIR", "/"}, {"V", "y"}}), reader);
  const Node root = document.root();
  EXPECT_EQ(root["token"].String(), "s3cret");
  EXPECT_EQ(root["mixed"].String(), "Bearer s3cret");
  EXPECT_EQ(root["part"]["a"].Int(0), 1);
  EXPECT_THAT(root["part"]["b"].Strings(), ElementsAre("x", "y"));
  EXPECT_EQ(ErrorsOf(document), "a.yaml:4:7: \"${file:/none}\": No such file or directory");
}

TEST(ExpansionTest, RefusesWhatItCannotReplace) {
  EXPECT_THAT(ErrorsOf(Parse("a: x${env:A\n")), HasSubstr("a.yaml:1:4: \"${\" without its \"}\""));
  EXPECT_THAT(ErrorsOf(Parse("a: ${file:/etc/passwd}\n")),
              HasSubstr("\"${file:...}\" is not supported"));
  EXPECT_THAT(ErrorsOf(Parse("a: ${env:1-2}\n")),
              HasSubstr("\"1-2\" is no name of an environment variable"));
  EXPECT_THAT(ErrorsOf(Parse("a: ${env:A}\n", Fake({{"A", "${env:A}"}}))),
              HasSubstr("nest deeper than 16"));
  EXPECT_THAT(ErrorsOf(Parse("a: ${env:A}\n", Fake({{"A", "${env:A}${env:A}${env:A}"}}))),
              HasSubstr("nest deeper"));
}

TEST(BoundsTest, BillionLaughsEndEarly) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) text += (k > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THAT(ErrorsOf(Parse(text)), HasSubstr("more than 100000 values"));
}

TEST(BoundsTest, DepthSizeAndSelfReferenceAreBounded) {
  std::string deep = "a: ";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  EXPECT_THAT(ErrorsOf(Parse(deep)), HasSubstr("nested deeper than 64 levels"));
  EXPECT_NE(ErrorsOf(Parse("a: " + std::string(100'000, '['))), "");
  EXPECT_THAT(ErrorsOf(Parse("a: &x [*x]\n")), HasSubstr("deeper"));
  EXPECT_EQ(ErrorsOf(Parse("a: " + std::string(kMaxYamlBytes, 'x'))),
            "a.yaml: is larger than 1 MiB");
  std::string copies = "t: &t " + std::string(100'000, 'x') + "\nl:\n";
  for (int i = 0; i < 100; ++i) copies += "- *t\n";
  EXPECT_THAT(ErrorsOf(Parse(copies)), HasSubstr("more than 4 MiB of text"));
}

TEST(DocumentTest, MergeKeysWork) {
  auto document = Parse("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n");
  EXPECT_EQ(document.root()["use"]["x"].Int(0), 1);
  EXPECT_EQ(document.root()["use"]["y"].Int(0), 3);
  EXPECT_EQ(ErrorsOf(document), "");
}

TEST(DocumentTest, EqualConfigurationsHaveEqualHashes) {
  EXPECT_EQ(Parse("a: 1\nb: [x, y]\n").hash(),
            Parse("b:\n- x\n- y\na: ${env:A}\n", Fake({{"A", "1"}})).hash());
  EXPECT_NE(Parse("a: 1\n").hash(), Parse("a: 2\n").hash());
  EXPECT_NE(Parse("a: [xy]\n").hash(), Parse("a: [x, y]\n").hash());
}

TEST(DocumentTest, HundredsOfFaultsAreCutShort) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const auto document = Parse(text);
  document.root().RefuseOthers();
  EXPECT_THAT(ErrorsOf(document), HasSubstr("\nand 400 more"));
}

}  // namespace
}  // namespace wirespan::config
