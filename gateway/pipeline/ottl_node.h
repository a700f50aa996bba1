#pragma once

#include <memory>

#include "gateway/pipeline/ottl_context.h"

namespace wirespan::gateway {

// A part of a condition, ready to be evaluated. Immutable and thread-safe; what varies is in the
// context.
class OttlNode {
 public:
  // How it may be used: a comparison is a boolean and no operand of another; a function may be
  // both.
  enum class Role : std::uint8_t { kBoolean, kValue, kEither };

  virtual ~OttlNode() = default;
  virtual Role role() const { return Role::kValue; }
  // False: it has no value for this item; context.error says why.
  virtual bool Evaluate(OttlContext& context, OttlValue& value) const = 0;
};

using OttlNodePtr = std::unique_ptr<const OttlNode>;

}  // namespace wirespan::gateway
