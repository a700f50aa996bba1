#include "gateway/pipeline/filter_processor.h"

#include <fmt/format.h>

#include <utility>

#include "common/telemetry/log.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Place;
using otlp::Reader;
using otlp::Verdict;
using otlp::WireType;
using Truth = OttlCondition::Truth;

constexpr std::uint32_t kEventsField = 11;  // of a Span

class FilterEditor : public otlp::MessageEditor {
 public:
  FilterEditor(const FilterOptions& options, Signal signal) : options_(options), signal_(signal) {}

  Verdict OnResource(std::string_view resource, otlp::Writer&) override {
    context_.resource.Set(resource);
    return Matches(options_.resource[IndexOf(signal_)]) ? Verdict::kDrop : Verdict::kKeep;
  }

  Verdict OnMetric(const Place& place, std::string_view metric) override {
    SetScope(place);
    context_.metric.Set(metric);
    return Matches(options_.metric) ? Verdict::kDrop : Verdict::kKeep;
  }

  Verdict OnItem(const Place& place, std::string_view item, otlp::Writer& out) override {
    SetScope(place);
    context_.item.Set(item);
    switch (signal_) {
      case Signal::kTraces:
        if (Matches(options_.span)) return Verdict::kDrop;
        return options_.span_event.empty() ? Verdict::kKeep : FilterEvents(item, out);
      case Signal::kMetrics:
        context_.point_field = place.point_field;
        return Matches(options_.data_point) ? Verdict::kDrop : Verdict::kKeep;
      case Signal::kLogs:
      case Signal::kProfiles:  // the configuration has refused them here
        break;
    }
    return Matches(options_.log_record) ? Verdict::kDrop : Verdict::kKeep;
  }

  bool wants_items() const override {
    switch (signal_) {
      case Signal::kTraces:
        return !options_.span.empty() || !options_.span_event.empty();
      case Signal::kMetrics:
        return !options_.metric.empty() || !options_.data_point.empty();
      case Signal::kLogs:
      case Signal::kProfiles:
        break;
    }
    return !options_.log_record.empty();
  }

  std::uint64_t errors() const { return errors_; }
  std::uint64_t events() const { return events_; }
  const std::string& error() const { return error_; }  // the first one, with its condition

 private:
  void SetScope(const Place& place) {
    if (place.scope.data() != context_.scope.view().data() ||
        place.scope.size() != context_.scope.view().size()) {
      context_.scope.Set(place.scope);
    }
  }

  bool Matches(const FilterOptions::Conditions& conditions) {
    for (const OttlCondition& condition : conditions) {
      context_.arena.Clear();
      switch (condition.Evaluate(context_)) {
        case Truth::kTrue:
          return true;
        case Truth::kFalse:
          break;
        case Truth::kError:
          if (errors_++ == 0) error_ = fmt::format("{}: {}", condition.text(), context_.error);
          break;
      }
    }
    return false;
  }

  // The span without the events that match.
  Verdict FilterEvents(std::string_view span, otlp::Writer& out) {
    const char* copied = span.data();
    Reader reader(span);
    for (Field field; reader.Next(field);) {
      if (!field.Is(kEventsField, WireType::kBytes)) continue;
      context_.event.Set(field.bytes);
      if (!Matches(options_.span_event)) continue;
      ++events_;
      out.Raw({copied, static_cast<std::size_t>(field.encoded.data() - copied)});
      copied = field.encoded.data() + field.encoded.size();
    }
    if (copied == span.data()) return Verdict::kKeep;
    out.Raw({copied, static_cast<std::size_t>(span.data() + span.size() - copied)});
    return Verdict::kReplace;
  }

  const FilterOptions& options_;
  const Signal signal_;
  OttlContext context_{};
  std::uint64_t errors_ = 0;
  std::uint64_t events_ = 0;
  std::string error_{};
};

std::string FilteredName(Signal signal) {
  constexpr std::array<std::string_view, kSignals.size()> kItems = {"spans", "datapoints", "logs",
                                                                    "profiles"};
  return fmt::format("otelcol_processor_filter_{}_filtered_total", kItems[IndexOf(signal)]);
}

}  // namespace

FilterProcessor::FilterProcessor(std::string id, FilterOptions options, Signal signal,
                                 Consumer& next, telemetry::Registry& registry)
    : EditProcessor(std::move(id), "filtered", next),
      options_(std::move(options)),
      filtered_(registry.counter(FilteredName(signal), "Items that a condition dropped",
                                 {{"filter", id_}})),
      events_(registry.counter("wirespan_processor_filter_span_events_total",
                               "Span events that a condition dropped", {{"processor", id_}})),
      errors_(registry.counter("wirespan_processor_filter_errors_total",
                               "Conditions that could not be evaluated for an item",
                               {{"processor", id_}})) {}

std::unique_ptr<otlp::MessageEditor> FilterProcessor::Begin(const Batch& batch) {
  return std::make_unique<FilterEditor>(options_, batch.signal);
}

Outcome FilterProcessor::End(otlp::MessageEditor& editor, const otlp::EditResult& edited) {
  const auto& filter = static_cast<const FilterEditor&>(editor);
  errors_.Add(filter.errors());
  if (filter.errors() > 0) {
    if (options_.error_mode == FilterOptions::ErrorMode::kPropagate) {
      return Outcome::Reject(StatusCode::kInternal,
                             fmt::format("processor {}: {}", id_, filter.error()));
    }
    if (options_.error_mode == FilterOptions::ErrorMode::kIgnore) {
      log::WriteLimited(log::Level::kWarn, "filter " + id_,
                        fmt::format("processor {}: {}", id_, filter.error()));
    }
  }
  filtered_.Add(edited.dropped);
  events_.Add(filter.events());
  return {};
}

}  // namespace wirespan::gateway
