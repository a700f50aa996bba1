#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "gateway/pipeline/ottl_context.h"

namespace wirespan::gateway {

// What a condition is about; the names of the configuration's lists.
enum class OttlScope : std::uint8_t { kResource, kSpan, kSpanEvent, kMetric, kDataPoint, kLog };

// A field of the telemetry, such as resource.attributes["k"]: found when the condition is read,
// fetched when it is asked.
class OttlPath {
 public:
  using Key = std::variant<std::string, std::int64_t>;
  // How a field is read; see the tables in ottl_path.cc.
  enum class How : std::uint8_t {
    kText,
    kVarint,
    kFixedInt,
    kFixed32,
    kTime,
    kId16,
    kId8,
    kId16Text,
    kId8Text,
    kKindText,
    kKindName,
    kAttributes,
    kAnyValue,
    kAnyText,
    kStatusCode,
    kStatusMessage,
    kMetricType,
    kTemporality,
    kMonotonic,
    kPoint,
    kPointAttributes,
  };
  enum class Where : std::uint8_t { kResource, kScope, kMetric, kItem, kEvent };

  // `names` are the parts between the dots. The error says what there is instead.
  static Result<OttlPath> Find(OttlScope scope, const std::vector<std::string>& names,
                               std::vector<Key> keys);

  OttlValue Get(OttlContext& context) const;

  // Every path that conditions of this scope know, "resource.attributes[...]" and the like, sorted.
  static std::vector<std::string> All(OttlScope scope);

 private:
  Where where_ = Where::kItem;
  How how_ = How::kText;
  std::uint32_t field_ = 0;
  std::vector<Key> keys_{};
};

// A part of a map (by a text) or a list (by a number); nil if there is none.
OttlValue Index(const OttlValue& value, const OttlPath::Key& key);

}  // namespace wirespan::gateway
