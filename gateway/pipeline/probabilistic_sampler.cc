#include "gateway/pipeline/probabilistic_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/pipeline/any_value.h"
#include "gateway/pipeline/attribute_list.h"
#include "gateway/pipeline/sampling.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Place;
using otlp::Reader;
using otlp::Verdict;
using otlp::WireType;
using Mode = SamplerOptions::Mode;

Mode Effective(const SamplerOptions& options) {
  return options.mode == Mode::kUnset ? Mode::kHashSeed : options.mode;
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// What an item says about its own sampling, before and after the decision.
struct Carrier {
  std::optional<std::uint64_t> threshold{};
  std::optional<std::uint64_t> randomness{};
};

class SamplerEditor : public otlp::MessageEditor {
 public:
  SamplerEditor(const SamplerOptions& options, Signal signal)
      : options_(options),
        signal_(signal),
        mode_(Effective(options)),
        base_(ProbabilisticSampler::BaseThreshold(options)) {}

  Verdict OnItem(const Place&, std::string_view item, otlp::Writer& out) override {
    if (signal_ == Signal::kMetrics) return Verdict::kKeep;
    const Verdict verdict = signal_ == Signal::kTraces ? OnSpan(item, out) : OnRecord(item, out);
    if (verdict != Verdict::kDrop) ++sampled_;
    return verdict;
  }

  std::uint64_t sampled() const { return sampled_; }

 private:
  struct Decision {
    bool sampled = false;
    bool write = false;  // the carrier's new content is to be written
  };

  // `carrier` null: what the item says about its sampling can't be read. `randomness`: of the
  // item's id; nullopt: it has none. `priority`: the least threshold that the item asks for.
  Decision Decide(Carrier* carrier, std::optional<std::uint64_t> randomness,
                  std::optional<std::uint64_t> priority) const {
    bool failed = carrier == nullptr;
    bool writable = carrier != nullptr;
    if (base_ && mode_ == Mode::kHashSeed && carrier != nullptr) {
      // Who samples consistently already must not be sampled by a hash on top.
      if (carrier->randomness || carrier->threshold) {
        failed = true;
        writable = false;
      } else {
        carrier->randomness = randomness;
      }
    } else if (base_ && carrier != nullptr && carrier->randomness) {
      randomness = carrier->randomness;
    }
    if (base_ && !randomness) failed = true;
    if (!failed && base_ && carrier->threshold && *randomness < *carrier->threshold) {
      failed = true;  // by what it says it should not be here
      carrier->threshold.reset();
    }
    std::uint64_t threshold = kNeverSample;
    if (failed) {
      threshold = options_.fail_closed ? kNeverSample : kAlwaysSample;
    } else if (base_) {
      threshold = *base_;
      const std::uint64_t arriving = carrier->threshold.value_or(kAlwaysSample);
      if (mode_ == Mode::kEqualizing) threshold = std::max(threshold, arriving);
      if (mode_ == Mode::kProportional) {
        threshold = ThresholdOf(ProbabilityOf(arriving) * Ratio(), options_.sampling_precision)
                        .value_or(kNeverSample);
      }
    }
    if (priority && (*priority == kNeverSample || *priority < threshold)) threshold = *priority;
    // Without randomness only "always" lets an item through.
    const std::uint64_t value = randomness.value_or(kMaxAdjustedCount - 1);
    if (threshold == kNeverSample || value < threshold) return {};
    // The probability that is told never rises.
    if (writable && threshold >= carrier->threshold.value_or(0)) carrier->threshold = threshold;
    return {.sampled = true, .write = writable};
  }

  double Ratio() const {
    const double ratio = static_cast<double>(std::min(options_.sampling_percentage, 100.0f)) / 100;
    return std::max(ratio, 1.0 / static_cast<double>(kMaxAdjustedCount));
  }

  std::optional<std::uint64_t> OfTraceId(std::string_view id) const {
    if (id.size() != 16 || AllZero(id)) return std::nullopt;
    return mode_ == Mode::kHashSeed ? RandomnessOfHash(id, options_.hash_seed)
                                    : RandomnessOfTraceId(id);
  }

  Verdict OnSpan(std::string_view span, otlp::Writer& out) const {
    std::string_view trace_id;
    Field state_field;
    std::optional<AnyValue> priority_value;
    Reader reader(span);
    for (Field field; reader.Next(field);) {
      if (field.type != WireType::kBytes) continue;
      if (field.number == 1) trace_id = field.bytes;
      if (field.number == 3) state_field = field;
      if (field.number == 9 && !priority_value) priority_value = Priority(field.bytes);
    }
    std::optional<TraceState> state = TraceState::Parse(state_field.bytes);
    Carrier carrier;
    if (state) carrier = {state->threshold, state->randomness};
    const Decision decision = Decide(state ? &carrier : nullptr, OfTraceId(trace_id),
                                     priority_value ? SpanPriority(*priority_value) : std::nullopt);
    if (!decision.sampled) return Verdict::kDrop;
    if (!decision.write) return Verdict::kKeep;
    state->threshold = carrier.threshold;
    state->randomness = carrier.randomness;
    const std::string text = state->Text();
    if (text == state_field.bytes) return Verdict::kKeep;
    const char* copied = span.data();
    if (!state_field.encoded.empty()) {
      out.Raw({copied, static_cast<std::size_t>(state_field.encoded.data() - copied)});
      copied = state_field.encoded.data() + state_field.encoded.size();
    }
    if (!text.empty()) out.Bytes(3, text);
    out.Raw({copied, static_cast<std::size_t>(span.data() + span.size() - copied)});
    return Verdict::kReplace;
  }

  // The value of an attribute named sampling.priority.
  static std::optional<AnyValue> Priority(std::string_view pair) {
    constexpr std::string_view kKey = "sampling.priority";
    std::string_view key;
    std::string_view value;
    Reader reader(pair);
    for (Field field; reader.Next(field);) {
      if (field.Is(1, WireType::kBytes)) key = field.bytes;
      if (field.Is(2, WireType::kBytes)) value = field.bytes;
      if (key.size() != kKey.size() && !key.empty()) return std::nullopt;
    }
    if (key != kKey) return std::nullopt;
    return ParseAnyValue(value);
  }

  // OpenTracing's: 0 is "don't sample", more is "sample".
  static std::optional<std::uint64_t> SpanPriority(const AnyValue& value) {
    double number = -1;
    if (value.kind == AnyValue::Kind::kInt) number = static_cast<double>(value.AsInt());
    if (value.kind == AnyValue::Kind::kDouble) number = value.AsDouble();
    if (value.kind == AnyValue::Kind::kString) number = ParseGoDouble(value.bytes).value_or(-1);
    if (number == 0) return kNeverSample;
    if (number > 0) return kAlwaysSample;
    return std::nullopt;
  }

  Verdict OnRecord(std::string_view record, otlp::Writer& out) {
    if (!attributes_.Read(record, 6)) return Verdict::kKeep;
    std::optional<std::uint64_t> randomness;
    std::string_view trace_id;
    Reader reader(record);
    for (Field field; reader.Next(field);) {
      if (field.Is(9, WireType::kBytes)) trace_id = field.bytes;
    }
    if (mode_ != Mode::kHashSeed || !options_.from_record) randomness = OfTraceId(trace_id);
    if (mode_ == Mode::kHashSeed && !randomness && !options_.from_attribute.empty()) {
      randomness = OfAttribute();
    }
    Carrier carrier;
    const bool readable = ReadCarrier(carrier);
    const Carrier before = carrier;
    const Decision decision = Decide(readable ? &carrier : nullptr, randomness, RecordPriority());
    if (!decision.sampled) return Verdict::kDrop;
    if (!decision.write) return Verdict::kKeep;
    if (carrier.threshold && carrier.threshold != before.threshold) {
      Put("sampling.threshold", ThresholdText(*carrier.threshold));
    }
    if (!carrier.threshold && before.threshold) {
      attributes_.Remove(*attributes_.Find("sampling.threshold"));
    }
    if (carrier.randomness && carrier.randomness != before.randomness) {
      Put("sampling.randomness", RandomnessText(*carrier.randomness));
    }
    if (!attributes_.changed()) return Verdict::kKeep;
    attributes_.Write(out);
    return Verdict::kReplace;
  }

  void Put(std::string_view key, std::string_view text) {
    std::string message;
    AppendAnyValue(message, AnyValue::String(text));
    attributes_.Put(key, attributes_.arena().Keep(message));
  }

  std::optional<AnyValue> Attribute(std::string_view key) {
    const AttributeList::Attribute* found = attributes_.Find(key);
    if (found == nullptr) return std::nullopt;
    return ParseAnyValue(found->value);
  }

  std::optional<std::uint64_t> OfAttribute() {
    const auto value = Attribute(options_.from_attribute);
    if (!value) return std::nullopt;
    std::string text;
    if (value->kind == AnyValue::Kind::kBytes) {
      text = value->bytes;
    } else {
      AppendAsString(text, *value);
    }
    if (text.empty()) return std::nullopt;
    return RandomnessOfHash(text, options_.hash_seed);
  }

  // False: one of them is there and can't be read.
  bool ReadCarrier(Carrier& carrier) {
    const auto text = [&](std::string_view key) {
      const auto value = Attribute(key);
      return value && value->kind == AnyValue::Kind::kString ? value->bytes : std::string_view{};
    };
    const std::string_view threshold = text("sampling.threshold");
    const std::string_view randomness = text("sampling.randomness");
    if (!threshold.empty() && !(carrier.threshold = ParseThreshold(threshold))) return false;
    if (!randomness.empty() && !(carrier.randomness = ParseRandomness(randomness))) return false;
    return true;
  }

  // Of log records it is a percentage: 0 drops, others can only raise what is sampled.
  std::optional<std::uint64_t> RecordPriority() {
    if (options_.sampling_priority.empty()) return std::nullopt;
    const auto value = Attribute(options_.sampling_priority);
    if (!value) return std::nullopt;
    double percentage = 0;
    if (value->kind == AnyValue::Kind::kInt) {
      percentage = static_cast<double>(value->AsInt());
    } else if (value->kind == AnyValue::Kind::kDouble) {
      percentage = value->AsDouble();
    } else {
      return std::nullopt;
    }
    if (percentage == 0) return kNeverSample;
    return ThresholdOf(std::min(percentage / 100, 1.0), options_.sampling_precision);
  }

  const SamplerOptions& options_;
  const Signal signal_;
  const Mode mode_;
  const std::optional<std::uint64_t> base_;
  AttributeList attributes_{};
  std::uint64_t sampled_ = 0;
};

telemetry::Counter& Count(telemetry::Registry& registry, Signal signal, const std::string& id,
                          bool sampled) {
  return registry.counter(
      fmt::format("otelcol_processor_probabilistic_sampler_count_{}_sampled_total",
                  signal == Signal::kTraces ? "traces" : "logs"),
      "Items, by the sampler's decision",
      {{"processor", id}, {"sampled", sampled ? "true" : "false"}});
}

}  // namespace

std::optional<std::uint64_t> ProbabilisticSampler::BaseThreshold(const SamplerOptions& options) {
  const float percentage = std::min(options.sampling_percentage, 100.0f);
  if (percentage == 0) return std::nullopt;
  if (Effective(options) == Mode::kHashSeed) {
    // Single precision and truncation, for the same buckets as ever.
    constexpr std::uint32_t kBuckets = 1 << 14;
    const auto accepted =
        static_cast<std::uint32_t>(percentage * (static_cast<float>(kBuckets / 100.0)));
    if (accepted == 0) return std::nullopt;
    return std::uint64_t{kBuckets - accepted} << 42;
  }
  const double ratio =
      std::max(static_cast<double>(percentage) / 100, 1.0 / static_cast<double>(kMaxAdjustedCount));
  return ThresholdOf(ratio, options.sampling_precision);
}

ProbabilisticSampler::ProbabilisticSampler(std::string id, SamplerOptions options, Signal signal,
                                           Consumer& next, telemetry::Registry& registry)
    : EditProcessor(std::move(id), "sampled_out", next),
      options_(std::move(options)),
      sampled_(Count(registry, signal, id_, true)),
      not_sampled_(Count(registry, signal, id_, false)) {}

std::unique_ptr<otlp::MessageEditor> ProbabilisticSampler::Begin(const Batch& batch) {
  return std::make_unique<SamplerEditor>(options_, batch.signal);
}

Outcome ProbabilisticSampler::End(otlp::MessageEditor& editor, const otlp::EditResult& edited) {
  sampled_.Add(static_cast<const SamplerEditor&>(editor).sampled());
  not_sampled_.Add(edited.dropped);
  return {};
}

}  // namespace wirespan::gateway
