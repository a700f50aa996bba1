#include "common/kube/json_scanner.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace wirespan::kube {
namespace {

// What was met, as text: "{", "[", "/" for an end, "k:" and "v:".
class Recorder final : public JsonEvents {
 public:
  void OnObject() override { out += "{"; }
  void OnArray() override { out += "["; }
  void OnEnd() override { out += "/"; }
  void OnKey(std::string_view key, bool cut) override { Add("k:", key, cut); }
  void OnValue(std::string_view text, bool cut) override { Add("v:", text, cut); }

  std::string out{};

 private:
  void Add(std::string_view what, std::string_view text, bool cut) {
    out += std::string(what) + std::string(text) + (cut ? "~ " : " ");
  }
};

std::string Scan(std::string_view text) {
  Recorder recorder;
  JsonScanner scanner(recorder);
  const bool good = scanner.Feed(text);
  EXPECT_EQ(good, !scanner.failed());
  if (!good) return recorder.out + "!";
  return recorder.out + (scanner.between_documents() ? "" : "...");
}

TEST(JsonScannerTest, TellsWhatItMeetsInOrder) {
  EXPECT_EQ(Scan(R"({"a":"x","b":[1,true,null,{}],"c":{"d":-1.5e+3}})"),
            "{k:a v:x k:b [v:1 v:true v: {//k:c {k:d v:-1.5e+3 //");
  EXPECT_EQ(Scan(" {\n} \r\n\t[ ] "), "{/[/");
  EXPECT_EQ(Scan("\"alone\""), "v:alone ");
}

TEST(JsonScannerTest, UndoesEscapes) {
  EXPECT_EQ(Scan(R"(["\"\\\/\b\f\n\r\t"])"), "[v:\"\\/\b\f\n\r\t /");
  EXPECT_EQ(Scan(R"(["\u0041\u00e4\u20ac\ud83d\ude00"])"), "[v:A\u00e4\u20ac\U0001F600 /");
  EXPECT_EQ(Scan(R"(["\ud83d","\ude00","\ud83dx","\ud83d\ud83d\ude00"])"),
            "[v:\ufffd v:\ufffd v:\ufffdx v:\ufffd\U0001F600 /");
  EXPECT_EQ(Scan("{\"a\\u0042\":1}"), "{k:aB v:1 /");
}

TEST(JsonScannerTest, RefusesWhatIsNoJson) {
  for (const char* text : {"}",          "]",
                           "{]",         "[}",
                           "{1:2}",      "{\"a\"}",
                           "{\"a\" 1}",  "{\"a\":}",
                           "{\"a\":1,}", "[1,]",
                           "[,1]",       "[1 2]",
                           "[01]",       "[1.]",
                           "[.5]",       "[-]",
                           "[1e]",       "[tru]",
                           "[nulll]",    "[True]",
                           "[\"\\x\"]",  "[\"\\u00g0\"]",
                           "[\"a\nb\"]", "<html>",
                           ":",          ",",
                           "[+1]",       "{\"a\":1 \"b\":2}"}) {
    EXPECT_TRUE(Scan(text).ends_with("!")) << text;
  }
}

TEST(JsonScannerTest, KnowsWhetherADocumentIsWhole) {
  const std::string text = R"({"a":["b\u0041",1,{"c":false}]})";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_TRUE(Scan(text.substr(0, cut)).ends_with("...")) << cut;
  }
  EXPECT_FALSE(Scan(text).ends_with("..."));
}

TEST(JsonScannerTest, IsBoundedInDepthAndText) {
  EXPECT_FALSE(Scan(std::string(JsonScanner::kMaxDepth, '[')).ends_with("!"));
  EXPECT_TRUE(Scan(std::string(JsonScanner::kMaxDepth + 1, '[')).ends_with("!"));
  const std::string longest(JsonScanner::kMaxTextBytes, 'x');
  EXPECT_EQ(Scan("[\"" + longest + "\"]"), "[v:" + longest + " /");
  EXPECT_EQ(Scan("[\"" + longest + "yz\"]"), "[v:" + longest + "~ /");
  EXPECT_TRUE(Scan("[" + std::string(1000, '1')).ends_with("!"));
}

// Random documents, as another library writes them, in pieces of any size.
class Documents {
 public:
  explicit Documents(unsigned seed) : random_(seed) {}
  nlohmann::ordered_json Make(int depth) {
    switch (Below(depth > 4 ? 5 : 7)) {
      case 0:
        return nullptr;
      case 1:
        return Below(2) == 0;
      case 2:
        return static_cast<int>(Below(2000)) - 1000;
      case 3:
        return static_cast<double>(Below(1000)) / 7;
      case 4:
        return Word();
      case 5: {
        auto list = nlohmann::ordered_json::array();
        for (unsigned i = Below(5); i > 0; --i) list.push_back(Make(depth + 1));
        return list;
      }
      default: {
        auto object = nlohmann::ordered_json::object();
        for (unsigned i = Below(5); i > 0; --i) object[Word()] = Make(depth + 1);
        return object;
      }
    }
  }
  unsigned Below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

 private:
  std::string Word() {
    static const std::vector<std::string> kParts = {"a",          "\"",   "\\", "\n", "\u00e4",
                                                    "\U0001F600", "name", " ",  "{",  "\x01"};
    std::string word;
    for (unsigned i = Below(6); i > 0; --i) word += kParts[Below(10)];
    return word;
  }
  std::mt19937 random_;
};

std::string Expected(const nlohmann::ordered_json& json) {
  if (json.is_string()) return "v:" + json.get<std::string>() + " ";
  if (json.is_null()) return "v: ";
  if (!json.is_structured()) return "v:" + json.dump() + " ";
  std::string out = json.is_object() ? "{" : "[";
  for (const auto& [key, value] : json.items()) {
    if (json.is_object()) out += "k:" + key + " ";
    out += Expected(value);
  }
  return out + "/";
}

TEST(JsonScannerTest, AgreesWithAnotherReaderInAnyPieces) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    Documents documents(seed);
    nlohmann::ordered_json json = nlohmann::ordered_json::array({documents.Make(0)});
    const std::string text = json.dump(seed % 3 == 0 ? 2 : -1, ' ', seed % 2 == 0);
    Recorder recorder;
    JsonScanner scanner(recorder);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + documents.Below(seed % 5 == 0 ? 1 : 9);
      ASSERT_TRUE(scanner.Feed(std::string_view(text).substr(at, size))) << text;
      at += size;
    }
    EXPECT_TRUE(scanner.between_documents());
    EXPECT_EQ(recorder.out, Expected(json)) << text;
  }
}

}  // namespace
}  // namespace wirespan::kube
