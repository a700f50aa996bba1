#include "agent/app/self_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/version.h"

namespace wirespan::app {
namespace {

constexpr std::size_t kMaxProcesses = 1000;

// `key`: a literal.
void Say(metric::NumberPoint& point, std::string_view key, span::AttributeValue value) {
  point.attributes.push_back({key, std::move(value)});
}

std::string_view LabelOf(const telemetry::Sample& sample, std::string_view key) {
  for (const auto& [name, value] : sample.labels)
    if (name == key) return value;
  return {};
}

void AddOutcome(metric::NumberMetric& metric, std::string_view stage, std::string_view reason,
                double count) {
  if (count == 0) return;
  metric::NumberPoint point;
  point.value = static_cast<std::int64_t>(count);
  Say(point, "wirespan.outcome", stage.empty() ? "reported" : "dropped");
  if (!stage.empty()) {
    Say(point, "wirespan.stage", stage);
    Say(point, "wirespan.reason", reason);
  }
  metric.points.push_back(std::move(point));
}

// docs/ledger.md: each exchange that is over left the agent as an acknowledged span, or here.
metric::NumberMetric Ledger(const telemetry::Registry& registry) {
  metric::NumberMetric metric;
  metric.name = "wirespan.exchanges";
  metric.unit = "{exchange}";
  metric.description = "Exchanges that the agent saw, by what became of them";
  metric.counter = true;
  for (const auto& sample : registry.Counters("wirespan_exchanges_dropped_total"))
    AddOutcome(metric, "connection", LabelOf(sample, "reason"), sample.value);
  for (const auto& sample : registry.Counters("wirespan_span_dropped_total"))
    AddOutcome(metric, "span", LabelOf(sample, "reason"), sample.value);
  for (const auto& sample : registry.Counters("wirespan_export_spans_total")) {
    const std::string_view result = LabelOf(sample, "result");
    if (result == "acknowledged") {
      AddOutcome(metric, "", "", sample.value);
    } else {
      const std::string_view reason = LabelOf(sample, "reason");
      AddOutcome(metric, "export", reason.empty() ? result : reason, sample.value);
    }
  }
  return metric;
}

std::string ProtocolsOf(const ProcessExplanation& process) {
  std::vector<std::string_view> names;
  if (process.http1_connections > 0) names.push_back("http/1.1");
  if (process.http2_connections > 0) names.push_back("http/2");
  if (process.tls_connections > 0) names.push_back("tls");
  if (process.opaque_connections > 0) names.push_back("other");
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string MissingText(const ProcessExplanation& process) {
  if (!process.seen) return process.rule;
  std::vector<std::string> sentences = MissingOf(process);
  if (process.instrumented) sentences.insert(sentences.begin(), process.instrumented_why);
  return fmt::format("{}", fmt::join(sentences, "; "));
}

metric::NumberMetric Coverage(const Explanation& explanation) {
  metric::NumberMetric metric;
  metric.name = "wirespan.coverage.sockets";
  metric.unit = "{socket}";
  metric.description = "Stream sockets of each process, and what of it is seen";
  for (const ProcessExplanation& process : explanation.processes) {
    if (metric.points.size() >= kMaxProcesses) break;
    metric::NumberPoint point;
    point.value = static_cast<std::int64_t>(process.connections);
    Say(point, "process.pid", static_cast<std::int64_t>(process.pid));
    Say(point, "process.executable.path", process.executable);
    Say(point, "wirespan.service.name", process.service);
    Say(point, "wirespan.protocols", ProtocolsOf(process));
    Say(point, "wirespan.seen", process.seen);
    Say(point, "wirespan.capture.backend", explanation.backend);
    Say(point, "wirespan.missing", MissingText(process));
    metric.points.push_back(std::move(point));
  }
  return metric;
}

}  // namespace

std::shared_ptr<const span::Resource> OwnResource(const process::HostInfo& host,
                                                  const std::string& node) {
  span::Resource resource;
  resource.service_name = "wirespan-agent";
  resource.pid = static_cast<std::uint32_t>(getpid());
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) resource.attributes.emplace_back(key, value);
  };
  add("service.name", resource.service_name);
  add("service.version", kVersion);
  add("service.instance.id",
      fmt::format("{}-{}", host.id.empty() ? host.name : host.id, resource.pid));
  add("host.name", host.name);
  add("host.id", host.id);
  add("k8s.node.name", node);
  return std::make_shared<const span::Resource>(std::move(resource));
}

metric::ResourceMetrics SelfReport(std::shared_ptr<const span::Resource> resource,
                                   const Explanation& explanation,
                                   const telemetry::Registry& registry, std::uint64_t start_ns,
                                   std::uint64_t now_ns) {
  metric::ResourceMetrics out;
  out.resource = std::move(resource);
  out.numbers = {Ledger(registry), Coverage(explanation)};
  for (metric::NumberMetric& metric : out.numbers) {
    metric.start_ns = start_ns;
    metric.time_ns = now_ns;
  }
  return out;
}

}  // namespace wirespan::app
