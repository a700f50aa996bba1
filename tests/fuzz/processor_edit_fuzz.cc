#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/otlp/edit.h"
#include "common/otlp/walk.h"
#include "common/telemetry/metrics.h"
#include "gateway/pipeline/any_value.h"
#include "gateway/pipeline/attributes_processor.h"
#include "gateway/pipeline/filter_processor.h"
#include "gateway/pipeline/probabilistic_sampler.h"

// Hostile bytes through every processor that edits: what was well-formed stays so, the number of
// items is what the batch says, and nothing happens to bytes that nobody asked to change.
namespace {

using namespace wirespan;
using namespace wirespan::gateway;

class Checks : public Consumer {
 public:
  explicit Checks(bool well_formed) : well_formed_(well_formed) {}
  void Consume(Batch batch) override {
    const std::string bytes = batch.bytes.ToString();
    const otlp::WalkResult walk = otlp::Walk(batch.signal, bytes, otlp::WalkDepth::kAll);
    if (well_formed_ && (!walk.ok || walk.items != batch.items)) __builtin_trap();
    batch.ack.Answer({});
  }

 private:
  const bool well_formed_;
};

std::string Text(std::string_view text) {
  std::string message;
  AppendAnyValue(message, AnyValue::String(text));
  return message;
}

AttributesOptions Attributes() {
  using Kind = AttributeAction::Kind;
  using Type = AttributeAction::Type;
  return {
      .actions = {
          {.kind = Kind::kUpsert, .key = "a", .value = Text("value")},
          {.kind = Kind::kInsert, .key = "b", .from_attribute = "k"},
          {.kind = Kind::kHash, .pattern = *Pattern::Compile("^h")},
          {.kind = Kind::kExtract, .key = "k", .pattern = *Pattern::Compile("(?P<x>.)(?P<y>.*)")},
          {.kind = Kind::kConvert, .key = "c", .converted_type = Type::kString},
          {.kind = Kind::kConvert, .key = "d", .converted_type = Type::kInt},
          {.kind = Kind::kDelete, .key = "k"}}};
}

FilterOptions Filter() {
  FilterOptions options;
  options.error_mode = FilterOptions::ErrorMode::kSilent;
  options.span = {
      *OttlCondition::Parse("attributes[\"k\"] == 1 or name == \"x\"", OttlScope::kSpan)};
  options.span_event = {*OttlCondition::Parse("IsMatch(name, \"e\")", OttlScope::kSpanEvent)};
  options.metric = {*OttlCondition::Parse("HasAttrKeyOnDatapoint(\"k\")", OttlScope::kMetric)};
  options.data_point = {*OttlCondition::Parse("value_int > 5", OttlScope::kDataPoint)};
  options.log_record = {*OttlCondition::Parse("IsMatch(body, \"p\")", OttlScope::kLog)};
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string request(reinterpret_cast<const char*>(data), size);
  static telemetry::Registry registry;
  for (const Signal signal : kSignals) {
    const otlp::WalkResult walk = otlp::Walk(signal, request, otlp::WalkDepth::kAll);
    otlp::MessageEditor nothing;
    otlp::Writer out;
    const otlp::EditResult edited = otlp::EditRequest(signal, request, nothing, out);
    if (edited.changed || (walk.ok && !edited.ok)) __builtin_trap();

    Checks next(walk.ok);
    std::unique_ptr<Processor> processors[] = {
        std::make_unique<AttributesProcessor>("attributes", Attributes(), next),
        std::make_unique<ResourceProcessor>("resource", ResourceOptions{Attributes().actions},
                                            next),
        std::make_unique<FilterProcessor>("filter", Filter(), signal, next, registry),
        std::make_unique<ProbabilisticSampler>(
            "sampler", SamplerOptions{.sampling_percentage = 50, .from_attribute = "k"}, signal,
            next, registry),
        std::make_unique<ProbabilisticSampler>(
            "sampler",
            SamplerOptions{.sampling_percentage = 50,
                           .mode = SamplerOptions::Mode::kProportional,
                           .fail_closed = false},
            signal, next, registry)};
    for (const auto& processor : processors) {
      Batch batch;
      batch.signal = signal;
      batch.items = walk.items;
      batch.bytes = Bytes(request);
      processor->Consume(std::move(batch));
    }
  }
  return 0;
}
