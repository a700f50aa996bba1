#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/otlp/wire.h"
#include "gateway/pipeline/ottl_value.h"
#include "gateway/pipeline/text_arena.h"

namespace wirespan::gateway {

// A message whose fields are looked up several times: read once, at the first question.
class IndexedMessage {
 public:
  void Set(std::string_view message) {
    message_ = message;
    read_ = false;
  }
  std::string_view view() const { return message_; }
  // The last field of this number and type, as protobuf reads it; null if there is none.
  const otlp::Field* Find(std::uint32_t number, otlp::WireType type);
  // Of the KeyValues in this field, the value of the first with this key; nil if there is none.
  OttlValue Attribute(std::uint32_t number, std::string_view key);

 private:
  void Read();

  std::string_view message_{};
  bool read_ = false;
  std::vector<otlp::Field> fields_{};
};

// What a condition is asked about. Whoever evaluates sets the messages; those that the condition's
// context does not have stay empty. One thread.
struct OttlContext {
  IndexedMessage resource{};
  IndexedMessage scope{};
  IndexedMessage metric{};
  IndexedMessage item{};   // span, log record or data point
  IndexedMessage event{};  // of the span in `item`
  std::uint32_t point_field = 0;
  TextArena arena{};    // what a condition computes lives here until the next item
  std::string error{};  // why the last evaluation failed
};

}  // namespace wirespan::gateway
