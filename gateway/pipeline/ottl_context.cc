#include "gateway/pipeline/ottl_context.h"

namespace wirespan::gateway {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

void IndexedMessage::Read() {
  if (read_) return;
  fields_.clear();
  Reader reader(message_);
  for (Field field; reader.Next(field);) fields_.push_back(field);
  read_ = true;
}

const Field* IndexedMessage::Find(std::uint32_t number, WireType type) {
  Read();
  for (auto field = fields_.rbegin(); field != fields_.rend(); ++field) {
    if (field->Is(number, type)) return &*field;
  }
  return nullptr;
}

OttlValue IndexedMessage::Attribute(std::uint32_t number, std::string_view key) {
  Read();
  for (const Field& field : fields_) {
    if (!field.Is(number, WireType::kBytes)) continue;
    std::string_view name;
    std::string_view value;
    Reader pair(field.bytes);
    for (Field each; pair.Next(each);) {
      if (each.Is(1, WireType::kBytes)) name = each.bytes;
      if (each.Is(2, WireType::kBytes)) value = each.bytes;
    }
    if (name == key) return OttlValue::From(ParseAnyValue(value));
  }
  return OttlValue::Nil();
}

}  // namespace wirespan::gateway
