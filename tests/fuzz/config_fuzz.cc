// A configuration of any bytes, with variables, through the whole reader and a schema of all types:
// it ends with problems or values, soon, and what was accepted is accepted again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/config/document.h"
#include "common/config/schema.h"

namespace {

using namespace wirespan::config;

const Key& Keys() {
  static const Key keys = Group("", "",
                                {{.name = "s"},
                                 {.name = "d", .type = Type::kDuration, .default_text = "1s"},
                                 {.name = "z", .type = Type::kSize, .max = 1e9},
                                 {.name = "i", .type = Type::kInt, .min = 0},
                                 {.name = "n", .type = Type::kNumber},
                                 {.name = "b", .type = Type::kBool},
                                 {.name = "g", .type = Type::kGlobs},
                                 {.name = "m", .type = Type::kStringMap},
                                 {.name = "c", .type = Type::kChoice, .choices = {"x", "y"}},
                                 {.name = "l", .type = Type::kList, .children = {{.name = "s"}}}});
  return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The variable V holds the input too.
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "V") return text;
    return std::nullopt;
  };
  std::string first;
  for (int round = 0; round < 2; ++round) {
    const Document document = Document::Parse(
        {{.name = "a", .text = text}, {.name = "b", .text = "s: ${env:V}\n"}}, environment);
    Section(Keys(), document.root()).Check();
    const auto finished = document.Finish();
    const std::string result =
        finished ? std::to_string(document.hash()) : finished.error().message;
    if (round == 1 && result != first) std::abort();
    first = result;
  }
  return 0;
}
