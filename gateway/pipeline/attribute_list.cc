#include "gateway/pipeline/attribute_list.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

// A KeyValue with another value; what else stood in it stays.
void WriteAttribute(otlp::Writer& out, std::uint32_t number,
                    const AttributeList::Attribute& attribute, std::string_view old) {
  const auto mark = out.Begin(number, attribute.key.size() + attribute.value.size() + 8);
  if (old.empty()) {
    out.Bytes(1, attribute.key);
  } else {
    Reader reader(old);
    for (Field field; reader.Next(field);) {
      if (field.number != 2) out.Raw(field.encoded);
    }
  }
  out.Bytes(2, attribute.value);
  out.End(mark);
}

std::string_view PayloadOf(std::string_view encoded) {
  Reader reader(encoded);
  Field field;
  return reader.Next(field) ? field.bytes : std::string_view{};
}

}  // namespace

bool AttributeList::Read(std::string_view message, std::uint32_t number) {
  message_ = message;
  number_ = number;
  attributes_.clear();
  arena_.Clear();
  changed_ = false;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (!field.Is(number, WireType::kBytes)) continue;
    Attribute& attribute = attributes_.emplace_back();
    attribute.encoded = field.encoded;
    Reader pair(field.bytes);
    for (Field each; pair.Next(each);) {
      if (each.type != WireType::kBytes) continue;
      if (each.number == 1) attribute.key = each.bytes;
      if (each.number == 2) attribute.value = each.bytes;
    }
    if (!pair.ok()) return false;
  }
  return reader.ok();
}

AttributeList::Attribute* AttributeList::Find(std::string_view key) {
  for (Attribute& attribute : attributes_) {
    if (attribute.key == key && !attribute.removed) return &attribute;
  }
  return nullptr;
}

void AttributeList::Put(std::string_view key, std::string_view value) {
  if (Attribute* found = Find(key)) {
    Set(*found, value);
    return;
  }
  Attribute& added = attributes_.emplace_back();
  added.key = key;
  Set(added, value);
}

void AttributeList::Write(otlp::Writer& out) const {
  const char* copied = message_.data();
  for (const Attribute& attribute : attributes_) {
    if (!attribute.removed && !attribute.changed) continue;
    if (!attribute.encoded.empty()) {
      const char* at = attribute.encoded.data();
      out.Raw({copied, static_cast<std::size_t>(at - copied)});
      copied = at + attribute.encoded.size();
      if (!attribute.removed) {
        WriteAttribute(out, number_, attribute, PayloadOf(attribute.encoded));
      }
    }
  }
  const char* end = message_.data() + message_.size();
  out.Raw({copied, static_cast<std::size_t>(end - copied)});
  for (const Attribute& attribute : attributes_) {
    if (attribute.encoded.empty() && !attribute.removed) {
      WriteAttribute(out, number_, attribute, {});
    }
  }
}

}  // namespace wirespan::gateway
