#include "agent/app/self_report.h"

#include <gtest/gtest.h>

#include <map>

namespace wirespan::app {
namespace {

// Attributes as text, for comparing.
std::map<std::string, std::string> Said(const metric::NumberPoint& point) {
  std::map<std::string, std::string> out;
  for (const span::Attribute& attribute : point.attributes) {
    std::string& value = out[std::string(attribute.key)];
    if (const auto text = attribute.value.text()) {
      value = *text;
    } else if (const auto number = attribute.value.number()) {
      value = std::to_string(*number);
    } else {
      value = "?";
    }
  }
  return out;
}

TEST(SelfReportTest, EachExchangeThatIsOverIsInTheLedgerOnce) {
  telemetry::Registry registry;
  registry.counter("wirespan_exchanges_dropped_total", "", {{"reason", "response_lost"}}).Add(3);
  registry.counter("wirespan_exchanges_dropped_total", "", {{"reason", "never"}});
  registry.counter("wirespan_span_dropped_total", "", {{"reason", "ignored"}}).Add(5);
  const auto exported = [&](const char* result, const char* reason) -> telemetry::Counter& {
    return registry.counter("wirespan_export_spans_total", "",
                            {{"result", result}, {"reason", reason}});
  };
  exported("acknowledged", "").Add(100);
  exported("rejected", "").Add(1);
  exported("dropped", "queue_full").Add(2);
  const auto report = SelfReport(OwnResource({.name = "node-1"}, ""), {}, registry, 10, 20);
  ASSERT_EQ(report.numbers.size(), 2u);
  const metric::NumberMetric& ledger = report.numbers[0];
  EXPECT_EQ(ledger.name, "wirespan.exchanges");
  EXPECT_TRUE(ledger.counter);
  EXPECT_EQ(ledger.start_ns, 10u);
  EXPECT_EQ(ledger.time_ns, 20u);
  std::map<std::string, std::int64_t> told;
  for (const auto& point : ledger.points) {
    auto said = Said(point);
    told[said["wirespan.outcome"] + " " + said["wirespan.stage"] + " " + said["wirespan.reason"]] =
        point.value;
  }
  EXPECT_EQ(told, (std::map<std::string, std::int64_t>{{"reported  ", 100},
                                                       {"dropped connection response_lost", 3},
                                                       {"dropped span ignored", 5},
                                                       {"dropped export rejected", 1},
                                                       {"dropped export queue_full", 2}}));
}

TEST(SelfReportTest, SaysOfEachProcessWhatIsNotSeen) {
  Explanation explanation;
  explanation.backend = "socktrace";
  explanation.processes.push_back({.pid = 7,
                                   .service = "shop",
                                   .executable = "/usr/bin/shop",
                                   .connections = 4,
                                   .http1_connections = 1,
                                   .tls_connections = 2,
                                   .tls_names = {"api.example (h2)"}});
  explanation.processes.push_back(
      {.pid = 8, .service = "etcd", .seen = false, .rule = "excluded by capture.filter.exclude"});
  telemetry::Registry registry;
  const auto report =
      SelfReport(OwnResource({.name = "n", .id = "id"}, "kube-1"), explanation, registry, 1, 2);
  const metric::NumberMetric& coverage = report.numbers[1];
  EXPECT_FALSE(coverage.counter);
  ASSERT_EQ(coverage.points.size(), 2u);
  EXPECT_EQ(coverage.points[0].value, 4);
  auto said = Said(coverage.points[0]);
  EXPECT_EQ(said["process.pid"], "7");
  EXPECT_EQ(said["wirespan.service.name"], "shop");
  EXPECT_EQ(said["wirespan.protocols"], "http/1.1, tls");
  EXPECT_EQ(said["wirespan.capture.backend"], "socktrace");
  EXPECT_NE(said["wirespan.missing"].find("not seen: 2 TLS connections (api.example (h2))"),
            std::string::npos);
  EXPECT_EQ(Said(coverage.points[1])["wirespan.missing"], "excluded by capture.filter.exclude");
  std::map<std::string, std::string> resource;
  for (const auto& [key, value] : report.resource->attributes)
    resource[key] = std::get<std::string>(value);
  EXPECT_EQ(resource["service.name"], "wirespan-agent");
  EXPECT_EQ(resource["host.name"], "n");
  EXPECT_EQ(resource["k8s.node.name"], "kube-1");
  EXPECT_TRUE(resource["service.instance.id"].starts_with("id-"));
}

TEST(SelfReportTest, IsBounded) {
  Explanation explanation;
  for (std::uint32_t pid = 1; pid <= 3000; ++pid) explanation.processes.push_back({.pid = pid});
  telemetry::Registry registry;
  EXPECT_EQ(SelfReport(OwnResource({}, ""), explanation, registry, 1, 2).numbers[1].points.size(),
            1000u);
}

}  // namespace
}  // namespace wirespan::app
