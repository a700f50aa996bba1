// A pattern, a line break, a text: a literal pattern matches its text alone, and "*" around a
// pattern matches no less.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/base/glob.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  const std::string_view text = end == std::string_view::npos ? "" : input.substr(end + 1);
  const auto glob = wirespan::Glob::Compile(input.substr(0, end));
  if (!glob) return 0;
  const bool matches = glob->Matches(text);
  if (glob->literal() && matches != (glob->literal_text() == text)) std::abort();
  const auto wider = wirespan::Glob::Compile("*" + glob->pattern() + "*");
  if (wider && matches && !wider->Matches(text)) std::abort();
  return 0;
}
