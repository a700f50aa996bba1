#include "gateway/app/load_filter.h"

namespace wirespan::gateway {

namespace {

using config::Node;

FilterOptions::Conditions ReadConditions(const Node& list, OttlScope scope) {
  FilterOptions::Conditions conditions;
  for (const Node& item : list.Items()) {
    auto condition = OttlCondition::Parse(item.String(), scope);
    if (condition) {
      conditions.push_back(std::move(*condition));
    } else {
      item.Fail(condition.error().message);
    }
  }
  return conditions;
}

// The form from before there were conditions.
void RefuseOldForm(const Node& node) {
  for (const char* key : {"include", "exclude"}) {
    if (!node[key].present()) continue;
    node.FailAtKey(key,
                   "include and exclude are not supported: write conditions, such as "
                   "traces: {span: ['name == \"health\"']}");
  }
}

}  // namespace

FilterOptions ReadFilterProcessor(const Node& node) {
  using ErrorMode = FilterOptions::ErrorMode;
  FilterOptions options;
  options.error_mode = node["error_mode"].Choice<ErrorMode>(ErrorMode::kIgnore,
                                                            {{"ignore", ErrorMode::kIgnore},
                                                             {"silent", ErrorMode::kSilent},
                                                             {"propagate", ErrorMode::kPropagate}});
  const Node traces = node["traces"];
  options.resource[IndexOf(Signal::kTraces)] =
      ReadConditions(traces["resource"], OttlScope::kResource);
  options.span = ReadConditions(traces["span"], OttlScope::kSpan);
  options.span_event = ReadConditions(traces["spanevent"], OttlScope::kSpanEvent);
  traces.RefuseOthers();

  const Node metrics = node["metrics"];
  RefuseOldForm(metrics);
  options.resource[IndexOf(Signal::kMetrics)] =
      ReadConditions(metrics["resource"], OttlScope::kResource);
  options.metric = ReadConditions(metrics["metric"], OttlScope::kMetric);
  options.data_point = ReadConditions(metrics["datapoint"], OttlScope::kDataPoint);
  metrics.RefuseOthers();

  const Node logs = node["logs"];
  RefuseOldForm(logs);
  options.resource[IndexOf(Signal::kLogs)] = ReadConditions(logs["resource"], OttlScope::kResource);
  options.log_record = ReadConditions(logs["log_record"], OttlScope::kLog);
  logs.RefuseOthers();

  if (const Node spans = node["spans"]; spans.present()) {
    node.FailAtKey("spans",
                   "spans with include and exclude is not supported: write conditions, such as "
                   "traces: {span: ['name == \"health\"']}");
    for (const char* key : {"include", "exclude"}) spans.Allow(key);
  }
  node.RefuseOthers();
  bool any = !options.span.empty() || !options.span_event.empty() || !options.metric.empty() ||
             !options.data_point.empty() || !options.log_record.empty();
  for (const auto& conditions : options.resource) any = any || !conditions.empty();
  if (!any && node["traces"].null() && node["metrics"].null() && node["logs"].null() &&
      node["spans"].null()) {
    node.Fail("filter needs conditions below traces, metrics or logs");
  }
  return options;
}

}  // namespace wirespan::gateway
