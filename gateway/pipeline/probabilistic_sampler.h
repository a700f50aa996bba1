#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/edit_processor.h"

namespace wirespan::gateway {

// The Collector's keys and defaults.
struct SamplerOptions {
  enum class Mode : std::uint8_t { kUnset, kHashSeed, kProportional, kEqualizing };

  float sampling_percentage = 0;  // as the Collector reads it: its rounding is part of the decision
  std::uint32_t hash_seed = 0;
  Mode mode = Mode::kUnset;  // hash_seed
  bool fail_closed = true;   // what has no randomness, or a broken one, is dropped
  int sampling_precision = 4;
  // Of log records:
  bool from_record = false;  // attribute_source: record
  std::string from_attribute{};
  std::string sampling_priority{};
};

// `probabilistic_sampler`: decides for each span and log record by itself, from its trace id, so
// that all of a trace are decided alike, here and in a Collector with the same settings. What
// passes says how much it stands for: in the span's trace_state, or in the record's attributes
// sampling.threshold and sampling.randomness.
class ProbabilisticSampler : public EditProcessor {
 public:
  ProbabilisticSampler(std::string id, SamplerOptions options, Signal signal, Consumer& next,
                       telemetry::Registry& registry);

  // The threshold of the percentage; nullopt: nothing is sampled.
  static std::optional<std::uint64_t> BaseThreshold(const SamplerOptions& options);

 protected:
  std::unique_ptr<otlp::MessageEditor> Begin(const Batch& batch) override;
  Outcome End(otlp::MessageEditor& editor, const otlp::EditResult& edited) override;

 private:
  const SamplerOptions options_;
  telemetry::Counter& sampled_;
  telemetry::Counter& not_sampled_;
};

}  // namespace wirespan::gateway
