#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/edit_processor.h"
#include "gateway/pipeline/ottl_condition.h"

namespace wirespan::gateway {

// `filter`: what one of the conditions is true for is dropped. Several lists of a signal are asked
// from the outside in, and what is dropped already is not asked again.
struct FilterOptions {
  enum class ErrorMode : std::uint8_t {
    kIgnore,     // a condition that fails is logged and counts as false
    kSilent,     // the same without the log
    kPropagate,  // the batch is refused
  };
  using Conditions = std::vector<OttlCondition>;

  ErrorMode error_mode = ErrorMode::kIgnore;
  std::array<Conditions, kSignals.size()> resource{};  // by signal
  Conditions span{};
  Conditions span_event{};  // a span stays, even without events
  Conditions metric{};
  Conditions data_point{};  // a metric without points goes
  Conditions log_record{};
};

class FilterProcessor : public EditProcessor {
 public:
  FilterProcessor(std::string id, FilterOptions options, Signal signal, Consumer& next,
                  telemetry::Registry& registry);

 protected:
  std::unique_ptr<otlp::MessageEditor> Begin(const Batch& batch) override;
  Outcome End(otlp::MessageEditor& editor, const otlp::EditResult& edited) override;

 private:
  const FilterOptions options_;
  telemetry::Counter& filtered_;  // spans, data points or log records
  telemetry::Counter& events_;
  telemetry::Counter& errors_;
};

}  // namespace wirespan::gateway
