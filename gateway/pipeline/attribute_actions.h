#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/pipeline/attribute_list.h"
#include "gateway/pipeline/metadata.h"
#include "gateway/pipeline/pattern.h"

namespace wirespan::gateway {

// One entry of `actions` (attributes) or `attributes` (resource): the Collector's semantics.
struct AttributeAction {
  enum class Kind : std::uint8_t {
    kInsert,   // if the key is absent
    kUpdate,   // if it is present
    kUpsert,   // in both cases
    kDelete,   // every attribute of this key, and those whose key matches `pattern`
    kHash,     // the same ones: their value becomes its SHA-256 in hexadecimal
    kExtract,  // the pattern's groups become attributes of their names, if the value is a text
    kConvert,  // to another type; what can't be converted stays
  };
  enum class Type : std::uint8_t { kString, kInt, kDouble, kBool };

  Kind kind = Kind::kInsert;
  std::string key{};
  // Where kInsert, kUpdate and kUpsert have the value from: one of these.
  std::optional<std::string> value{};  // an AnyValue message
  std::string from_attribute{};
  std::string
      from_context{};  // key of the metadata (MetadataKeyOf); several values are joined by ';'
  std::optional<Pattern> pattern{};
  Type converted_type = Type::kString;
};

// In order, each on what the ones before it left.
void ApplyActions(const std::vector<AttributeAction>& actions, const Metadata* metadata,
                  AttributeList& attributes);

}  // namespace wirespan::gateway
