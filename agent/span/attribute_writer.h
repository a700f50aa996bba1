#pragma once

#include <cstdint>
#include <string_view>

#include "agent/span/attribute_list.h"

namespace wirespan::span {

// Writes one span's attributes into a list that is used again and again. What is empty is left out.
class AttributeWriter {
 public:
  explicit AttributeWriter(AttributeList& list) : list_(list) { list_.Clear(); }
  // Points to `value`, unless it has to be repaired to be UTF-8.
  void Text(std::string_view key, std::string_view value);
  // Of our own making, which is ASCII.
  void Known(std::string_view key, std::string_view value) {
    if (!value.empty()) list_.AddUtf8(key, wirespan::Text::Borrow(value));
  }
  void Number(std::string_view key, std::int64_t value) { list_.AddNumber(key, value); }

 private:
  AttributeList& list_;
};

}  // namespace wirespan::span
