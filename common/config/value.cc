#include "common/config/value.h"

namespace wirespan::config {

std::string Mark::text() const {
  std::string out = file == nullptr ? "configuration" : *file;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  return out;
}

Value NullAt(Mark mark) {
  Value value;
  value.mark = std::move(mark);
  return value;
}

const Value* Value::Find(std::string_view key) const {
  for (const Entry& entry : map) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string Problem::text() const { return mark.text() + ": " + sentence; }

}  // namespace wirespan::config
