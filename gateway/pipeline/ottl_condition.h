#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "gateway/pipeline/ottl_node.h"
#include "gateway/pipeline/ottl_path.h"

namespace wirespan::gateway {

// A condition in the OpenTelemetry Transformation Language:
//
//   condition   and   ("or" and)*
//   and         not   ("and" not)*
//   not         "not"* comparison
//   comparison  sum   [("==" | "!=" | "<" | "<=" | ">" | ">=") sum]
//   sum         product (("+" | "-") product)*
//   product     primary (("*" | "/") primary)*
//   primary     "(" condition ")" | literal | path | Function "(" arguments ")" | ENUM
//
// A condition must be a boolean: a comparison, a function, true or false. Cheap to copy, immutable,
// thread-safe.
class OttlCondition {
 public:
  // The error says where in the text: "line 1, column 12: ...".
  static Result<OttlCondition> Parse(std::string_view text, OttlScope scope);

  enum class Truth : std::uint8_t { kFalse, kTrue, kError };
  // kError: context.error says why.
  Truth Evaluate(OttlContext& context) const;

  const std::string& text() const { return text_; }

 private:
  std::string text_{};
  std::shared_ptr<const OttlNode> node_{};
};

}  // namespace wirespan::gateway
