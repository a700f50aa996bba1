#include "gateway/sink/store/coverage_table.h"

#include <algorithm>
#include <utility>

#include "common/otlp/wire.h"
#include "gateway/sink/store/span_row.h"

namespace wirespan::gateway::store {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

constexpr std::size_t kMaxAgents = 1000;
constexpr std::size_t kMaxProcesses = 2000;
constexpr std::size_t kMaxReasons = 200;
constexpr std::size_t kMaxText = 1024;
constexpr std::uint64_t kForgetNs = 600'000'000'000;

// A value as far as reports have it.
struct Value {
  std::string_view text{};
  std::uint64_t number = 0;
};

// KeyValue { key = 1, value = 2 { string = 1, bool = 2, int = 3 } }
template <class Visit>
void ReadAttribute(std::string_view message, const Visit& visit) {
  std::string_view key;
  Value value;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) key = field.bytes;
    if (!field.Is(2, WireType::kBytes)) continue;
    Reader inner(field.bytes);
    for (Field one; inner.Next(one);) {
      if (one.Is(1, WireType::kBytes)) value.text = one.bytes;
      if (one.Is(2, WireType::kVarint) || one.Is(3, WireType::kVarint)) value.number = one.value;
    }
  }
  visit(key, value);
}

std::string Kept(std::string_view text) { return std::string(text.substr(0, kMaxText)); }

// NumberDataPoint { time = 3, as_int = 6, attributes = 7 }
struct Point {
  std::uint64_t time_ns = 0;
  std::uint64_t value = 0;
  std::vector<std::string_view> attributes{};
};

Point ReadPoint(std::string_view message) {
  Point point;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(3, WireType::kFixed64)) point.time_ns = field.value;
    if (field.Is(6, WireType::kFixed64)) point.value = field.value;
    if (field.Is(7, WireType::kBytes)) point.attributes.push_back(field.bytes);
  }
  return point;
}

void TakeExchanges(const Point& point, NodeCoverage& node) {
  std::string_view outcome, stage, reason;
  for (const std::string_view attribute : point.attributes) {
    ReadAttribute(attribute, [&](std::string_view key, const Value& value) {
      if (key == "wirespan.outcome") outcome = value.text;
      if (key == "wirespan.stage") stage = value.text;
      if (key == "wirespan.reason") reason = value.text;
    });
  }
  if (outcome == "reported") {
    node.reported += point.value;
  } else if (node.dropped.size() < kMaxReasons) {
    node.dropped.push_back({Kept(stage) + ": " + Kept(reason), point.value});
  }
}

void TakeProcess(const Point& point, NodeCoverage& node) {
  if (node.processes.size() >= kMaxProcesses) return;
  ProcessCoverage& process = node.processes.emplace_back();
  process.sockets = point.value;
  for (const std::string_view attribute : point.attributes) {
    ReadAttribute(attribute, [&](std::string_view key, const Value& value) {
      if (key == "process.pid") process.pid = value.number;
      if (key == "wirespan.service.name") process.name = Kept(value.text);
      if (key == "wirespan.protocols") process.protocol = Kept(value.text);
      if (key == "wirespan.seen") process.seen = value.number != 0;
      if (key == "wirespan.capture.backend") process.how = Kept(value.text);
      if (key == "wirespan.missing") process.missing = Kept(value.text);
    });
  }
}

// Metric { name = 1, data = 5 gauge, 7 sum, 9 to 11 others; data_points = 1 in each }. The name may
// come last: the Collector writes fields backwards.
std::uint64_t TakeMetric(std::string_view message, bool own, NodeCoverage& node) {
  const std::string_view name = FindMessage(message, 1);
  std::uint64_t points = 0;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.number < 5 || field.number > 11 || field.type != WireType::kBytes) continue;
    Reader data(field.bytes);
    for (Field one; data.Next(one);) {
      if (!one.Is(1, WireType::kBytes)) continue;
      ++points;
      if (!own || (name != "wirespan.exchanges" && name != "wirespan.coverage.sockets")) continue;
      const Point point = ReadPoint(one.bytes);
      node.seen_at_ns = std::max(node.seen_at_ns, point.time_ns);
      name == "wirespan.exchanges" ? TakeExchanges(point, node) : TakeProcess(point, node);
    }
  }
  return points;
}

// Resource { attributes = 1 }: whether it is an agent.
bool TakeResource(std::string_view message, NodeCoverage& node) {
  bool own = false;
  std::string host;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    ReadAttribute(field.bytes, [&](std::string_view key, const Value& value) {
      if (key == "service.name") own = value.text == "wirespan-agent";
      if (key == "service.version") node.version = Kept(value.text);
      if (key == "service.instance.id") node.instance = Kept(value.text);
      if (key == "k8s.node.name") node.node = Kept(value.text);
      if (key == "host.name") host = Kept(value.text);
    });
  }
  if (node.node.empty()) node.node = host;
  return own && !node.instance.empty();
}

}  // namespace

CoverageTable::Taken CoverageTable::Take(std::string_view request, std::uint64_t now_ns) {
  Taken taken;
  Reader reader(request);
  for (Field resource; reader.Next(resource);) {
    if (!resource.Is(1, WireType::kBytes)) continue;
    NodeCoverage node;
    const bool own = TakeResource(FindMessage(resource.bytes, 1), node);
    std::uint64_t points = 0;
    Reader parts(resource.bytes);
    for (Field part; parts.Next(part);) {
      if (!part.Is(2, WireType::kBytes)) continue;
      Reader scope(part.bytes);
      for (Field metric; scope.Next(metric);) {
        if (metric.Is(2, WireType::kBytes)) points += TakeMetric(metric.bytes, own, node);
      }
    }
    (own ? taken.own : taken.other) += points;
    if (own && node.seen_at_ns != 0) Keep(std::move(node), now_ns);
  }
  return taken;
}

// A batch on the way may have cut a report in two: what lacks a part keeps the one before.
void CoverageTable::Keep(NodeCoverage said, std::uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  std::erase_if(agents_,
                [&](const auto& agent) { return agent.second.heard_ns + kForgetNs < now_ns; });
  if (agents_.size() >= kMaxAgents && !agents_.contains(said.instance)) return;
  Entry& entry = agents_[said.instance];
  if (said.seen_at_ns < entry.said.seen_at_ns) return;
  const bool same = said.seen_at_ns == entry.said.seen_at_ns;
  if (same || (said.reported == 0 && said.dropped.empty())) {
    said.reported = std::max(said.reported, entry.said.reported);
    if (said.dropped.empty()) said.dropped = std::move(entry.said.dropped);
  }
  if (said.processes.empty()) {
    said.processes = std::move(entry.said.processes);
  } else if (same) {
    for (ProcessCoverage& process : entry.said.processes) {
      if (said.processes.size() >= kMaxProcesses) break;
      const bool again = std::ranges::find(said.processes, process.pid, &ProcessCoverage::pid) !=
                         said.processes.end();
      if (!again) said.processes.push_back(std::move(process));
    }
  }
  entry = {.said = std::move(said), .heard_ns = now_ns};
}

std::vector<NodeCoverage> CoverageTable::Nodes(std::uint64_t now_ns) const {
  std::vector<NodeCoverage> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [instance, entry] : agents_) {
      if (entry.heard_ns + kForgetNs >= now_ns) out.push_back(entry.said);
    }
  }
  std::ranges::stable_sort(out, {}, &NodeCoverage::node);
  return out;
}

}  // namespace wirespan::gateway::store
