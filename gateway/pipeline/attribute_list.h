#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/otlp/wire.h"
#include "gateway/pipeline/text_arena.h"

namespace wirespan::gateway {

// The attributes of one message (a Resource, a span, ...), to be looked at and changed. Reading
// keeps views and copies nothing; writing leaves every byte that is not a changed attribute as it
// was. Reused from message to message: it keeps its memory.
class AttributeList {
 public:
  struct Attribute {
    std::string_view key{};
    std::string_view value{};    // an AnyValue message
    std::string_view encoded{};  // the field as it came; empty: added
    bool removed = false;
    bool changed = false;  // has a new value
  };

  // `number` is the field of the KeyValues. False: malformed. `message` outlives the use.
  bool Read(std::string_view message, std::uint32_t number);

  // The first one with this key, as the Collector finds it; null if there is none.
  Attribute* Find(std::string_view key);
  // With those that were removed.
  std::vector<Attribute>& all() { return attributes_; }

  // `value` must live until Write(): a view into the message, a constant, or kept by arena().
  void Set(Attribute& attribute, std::string_view value) {
    if (!attribute.encoded.empty() && attribute.value == value) return;
    attribute.value = value;
    attribute.changed = true;
    changed_ = true;
  }
  void Put(std::string_view key, std::string_view value);  // Set or added at the end
  void Remove(Attribute& attribute) {
    attribute.removed = true;
    changed_ = true;
  }

  bool changed() const { return changed_; }
  TextArena& arena() { return arena_; }
  // The message with what was changed.
  void Write(otlp::Writer& out) const;

 private:
  std::string_view message_{};
  std::uint32_t number_ = 0;
  std::vector<Attribute> attributes_{};
  bool changed_ = false;
  TextArena arena_{};
};

}  // namespace wirespan::gateway
