#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/otlp/edit.h"
#include "gateway/pipeline/pattern.h"

namespace wirespan::gateway {

// One of several texts (match_type strict), or a match of one of several patterns (regexp).
class TextSet {
 public:
  static Result<TextSet> Create(bool regexp, std::vector<std::string> texts);
  bool Matches(std::string_view text) const;

 private:
  std::vector<std::string> texts_{};
  std::vector<Pattern> patterns_{};
};

// `include` and `exclude` of the attributes processor. What is not set matches everything; what is
// set must match all together.
struct MatchProperties {
  struct Attribute {
    std::string key{};
    std::optional<std::string> value{};  // an AnyValue message (strict); none and no pattern: any
    std::optional<TextSet> pattern{};    // on the text of texts, numbers and booleans
  };
  struct Library {
    TextSet name{};
    std::optional<TextSet> version{};
  };
  struct Severity {
    std::int64_t min = 0;
    bool match_undefined = false;
  };

  std::optional<TextSet> services{};  // resource attribute service.name
  std::optional<TextSet> span_names{};
  std::optional<TextSet> span_kinds{};  // "SPAN_KIND_SERVER"
  std::optional<TextSet> log_bodies{};  // bodies that are texts; others match
  std::optional<TextSet> log_severity_texts{};
  std::optional<Severity> log_severity_number{};
  std::optional<TextSet> metric_names{};
  std::vector<Attribute> attributes{};
  std::vector<Attribute> resources{};
  std::vector<Library> libraries{};
};

bool MatchesResource(const MatchProperties& match, std::string_view resource);
// All but the resource. `attributes_field` is the number of the item's attributes.
bool MatchesItem(const MatchProperties& match, otlp::Signal signal, const otlp::Place& place,
                 std::string_view item, std::uint32_t attributes_field);

// The field of the attributes in a span, a log record, or a point of the kind that stands in this
// field of a metric.
std::uint32_t AttributesField(otlp::Signal signal, std::uint32_t point_field);

}  // namespace wirespan::gateway
