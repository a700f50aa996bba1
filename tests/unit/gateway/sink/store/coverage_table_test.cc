// Reports as the agent encodes them.
#include "gateway/sink/store/coverage_table.h"

#include <gtest/gtest.h>

#include "agent/export/encoder.h"
#include "common/otlp/wire.h"

namespace wirespan::gateway::store {
namespace {

constexpr std::uint64_t kNow = 1'790'000'000'000'000'000;
constexpr std::uint64_t kMinute = 60'000'000'000;

std::shared_ptr<const span::Resource> Agent(const std::string& instance,
                                            const std::string& service = "wirespan-agent") {
  span::Resource resource;
  resource.service_name = service;
  resource.attributes = {{"service.version", "0.1.0"},
                         {"service.instance.id", instance},
                         {"host.name", "host-" + instance}};
  return std::make_shared<const span::Resource>(std::move(resource));
}

metric::NumberMetric Exchanges(std::uint64_t time_ns, std::int64_t reported, std::int64_t full) {
  metric::NumberMetric metric{.name = "wirespan.exchanges", .counter = true, .time_ns = time_ns};
  metric.points.push_back({{{"wirespan.outcome", "reported"}}, reported});
  metric.points.push_back({{{"wirespan.outcome", "dropped"},
                            {"wirespan.stage", "export"},
                            {"wirespan.reason", "queue_full"}},
                           full});
  return metric;
}

metric::NumberMetric Sockets(std::uint64_t time_ns, std::vector<std::int64_t> pids) {
  metric::NumberMetric metric{.name = "wirespan.coverage.sockets", .time_ns = time_ns};
  for (const std::int64_t pid : pids) {
    metric.points.push_back({{{"process.pid", pid},
                              {"wirespan.service.name", "shop"},
                              {"wirespan.protocols", "http/1.1"},
                              {"wirespan.seen", true},
                              {"wirespan.capture.backend", "socktrace"},
                              {"wirespan.missing", "not seen: 1 TLS connection"}},
                             4});
  }
  return metric;
}

std::string Request(const std::shared_ptr<const span::Resource>& resource,
                    std::vector<metric::NumberMetric> numbers) {
  return exporting::EncodeMetrics({{resource, {}, std::move(numbers)}}).request;
}

TEST(CoverageTableTest, KeepsWhatAnAgentSaidLast) {
  CoverageTable table;
  const auto first =
      table.Take(Request(Agent("a"), {Exchanges(kNow, 10, 2), Sockets(kNow, {7, 8})}), kNow);
  EXPECT_EQ(first.own, 4u);
  EXPECT_EQ(first.other, 0u);
  table.Take(Request(Agent("a"), {Exchanges(kNow + kMinute, 90, 3), Sockets(kNow + kMinute, {8})}),
             kNow + kMinute);
  const auto nodes = table.Nodes(kNow + kMinute);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].node, "host-a");
  EXPECT_EQ(nodes[0].instance, "a");
  EXPECT_EQ(nodes[0].version, "0.1.0");
  EXPECT_EQ(nodes[0].seen_at_ns, kNow + kMinute);
  EXPECT_EQ(nodes[0].reported, 90u);
  ASSERT_EQ(nodes[0].dropped.size(), 1u);
  EXPECT_EQ(nodes[0].dropped[0].reason, "export: queue_full");
  EXPECT_EQ(nodes[0].dropped[0].count, 3u);
  ASSERT_EQ(nodes[0].processes.size(), 1u);
  EXPECT_EQ(nodes[0].processes[0].pid, 8u);
  EXPECT_EQ(nodes[0].processes[0].name, "shop");
  EXPECT_EQ(nodes[0].processes[0].protocol, "http/1.1");
  EXPECT_TRUE(nodes[0].processes[0].seen);
  EXPECT_EQ(nodes[0].processes[0].how, "socktrace");
  EXPECT_EQ(nodes[0].processes[0].missing, "not seen: 1 TLS connection");
  EXPECT_EQ(nodes[0].processes[0].sockets, 4u);
}

// A message with its fields in the other order, and those of the messages in it.
struct Nested {
  std::uint32_t number = 0;
  std::vector<Nested> fields{};
};
std::string Backwards(std::string_view message, const std::vector<Nested>& nested) {
  std::string out;
  otlp::Reader reader(message);
  for (otlp::Field field; reader.Next(field);) {
    std::string one(field.encoded);
    for (const Nested& inside : nested) {
      if (!field.Is(inside.number, otlp::WireType::kBytes)) continue;
      one.clear();
      otlp::AppendBytesField(one, field.number, Backwards(field.bytes, inside.fields));
    }
    out.insert(0, one);
  }
  return out;
}

TEST(CoverageTableTest, TheOrderOfFieldsIsTheSenders) {
  const std::vector<Nested> points{{1, {{7, {}}}}};
  const std::vector<Nested> report{{1, {{1, {{1, {}}}}, {2, {{2, {{5, points}, {7, points}}}}}}}};
  CoverageTable table;
  const auto taken = table.Take(
      Backwards(Request(Agent("a"), {Exchanges(kNow, 10, 2), Sockets(kNow, {7})}), report), kNow);
  EXPECT_EQ(taken.own, 3u);
  EXPECT_EQ(taken.other, 0u);
  const auto nodes = table.Nodes(kNow);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].node, "host-a");
  EXPECT_EQ(nodes[0].reported, 10u);
  ASSERT_EQ(nodes[0].dropped.size(), 1u);
  EXPECT_EQ(nodes[0].dropped[0].reason, "export: queue_full");
  ASSERT_EQ(nodes[0].processes.size(), 1u);
  EXPECT_EQ(nodes[0].processes[0].name, "shop");
}

TEST(CoverageTableTest, AReportThatAHopCutOrSentTwiceIsOne) {
  CoverageTable table;
  const auto one = Request(Agent("a"), {Exchanges(kNow, 10, 2), Sockets(kNow, {1, 2})});
  const auto two = Request(Agent("a"), {Sockets(kNow, {3})});
  for (const auto& request : {one, two, one, two}) table.Take(request, kNow);
  const auto nodes = table.Nodes(kNow);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].reported, 10u);
  EXPECT_EQ(nodes[0].processes.size(), 3u);
  // An older one that comes late changes nothing.
  table.Take(Request(Agent("a"), {Exchanges(kNow - 1, 5, 0)}), kNow);
  EXPECT_EQ(table.Nodes(kNow)[0].reported, 10u);
}

TEST(CoverageTableTest, MetricsOfOthersAreCountedAndNotKept) {
  CoverageTable table;
  const auto taken = table.Take(Request(Agent("x", "shop"), {Exchanges(kNow, 1, 1)}), kNow);
  EXPECT_EQ(taken.own, 0u);
  EXPECT_EQ(taken.other, 2u);
  EXPECT_TRUE(table.Nodes(kNow).empty());
}

TEST(CoverageTableTest, AgentsThatFellSilentAreForgotten) {
  CoverageTable table;
  table.Take(Request(Agent("a"), {Exchanges(kNow, 1, 1)}), kNow);
  EXPECT_EQ(table.Nodes(kNow + 9 * kMinute).size(), 1u);
  EXPECT_TRUE(table.Nodes(kNow + 11 * kMinute).empty());
}

TEST(CoverageTableTest, IsBounded) {
  CoverageTable table;
  for (int i = 0; i < 1100; ++i)
    table.Take(Request(Agent(std::to_string(i)), {Exchanges(kNow, 1, 1)}), kNow);
  EXPECT_EQ(table.Nodes(kNow).size(), 1000u);
  std::vector<std::int64_t> pids;
  for (std::int64_t pid = 1; pid <= 3000; ++pid) pids.push_back(pid);
  table.Take(Request(Agent("0"), {Sockets(kNow + 1, pids)}), kNow);
  std::size_t most = 0;
  for (const auto& node : table.Nodes(kNow)) most = std::max(most, node.processes.size());
  EXPECT_EQ(most, 2000u);
}

TEST(CoverageTableTest, AnythingCutAnywhereDoesNoHarm) {
  const auto whole = Request(Agent("a"), {Exchanges(kNow, 10, 2), Sockets(kNow, {7, 8})});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CoverageTable table;
    table.Take(std::string_view(whole).substr(0, size), kNow);
    EXPECT_LE(table.Nodes(kNow).size(), 1u);
  }
}

}  // namespace
}  // namespace wirespan::gateway::store
