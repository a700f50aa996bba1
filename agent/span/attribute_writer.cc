#include "agent/span/attribute_writer.h"

#include <cstring>

#include "common/base/strings.h"

namespace wirespan::span {
namespace {

bool IsAscii(std::string_view text) {
  std::uint64_t all = 0, word = 0;
  for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
    std::memcpy(&word, text.data(), sizeof word);
    all |= word;
  }
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return (all & 0x8080808080808080u) == 0;
}

}  // namespace

void AttributeWriter::Text(std::string_view key, std::string_view value) {
  if (IsAscii(value)) {
    Known(key, value);
  } else {
    list_.AddUtf8(key, wirespan::Text(ToUtf8(value)));
  }
}

}  // namespace wirespan::span
