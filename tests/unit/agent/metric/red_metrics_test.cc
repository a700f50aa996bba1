#include "agent/metric/red_metrics.h"

#include <gtest/gtest.h>

#include <map>

#include "agent/span/attribute_names.h"

namespace wirespan::metric {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kUtc = 1'700'000'000 * kSecond;

std::shared_ptr<const span::Resource> Service(const std::string& name) {
  auto resource = std::make_shared<span::Resource>();
  resource->service_name = name;
  return resource;
}

class RedMetricsTest : public ::testing::Test {
 protected:
  span::MetricRef Record(const std::shared_ptr<const span::Resource>& resource, bool server = true,
                         int status = 200, double seconds = 0.02, const std::string& host = "h",
                         std::uint64_t now = kSecond) {
    protocol::Exchange exchange;
    exchange.side = server ? protocol::Side::kServer : protocol::Side::kClient;
    exchange.method = "GET";
    exchange.target = "/very/secret/path?x";
    exchange.host = host;
    exchange.user_agent = "agent";
    exchange.status = status;
    exchange.request_start_ns = 1;
    exchange.response_end_ns = 1 + static_cast<std::uint64_t>(seconds * 1e9);
    exchange.request_body_bytes = 5;
    exchange.response_body_bytes = 500;
    connection::ConnectionInfo connection;
    connection.remote.family = connection::Family::kInet;
    span::ExchangeFacts facts;
    span::ComputeFacts(connection, exchange, span::KnownMethods(), facts);
    return metrics->Record(resource, facts, exchange, now, kUtc);
  }
  span::MetricRef RecordCall(const std::shared_ptr<const span::Resource>& resource, bool server,
                             std::optional<int> status, const std::string& path = "/a.B/C",
                             const std::string& host = "h") {
    protocol::Exchange exchange;
    exchange.protocol = protocol::Protocol::kGrpc;
    exchange.side = server ? protocol::Side::kServer : protocol::Side::kClient;
    exchange.version_major = 2;
    exchange.version_minor = 0;
    exchange.method = "POST";
    exchange.target = path;
    exchange.host = host;
    exchange.status = 200;
    exchange.request_start_ns = 1;
    exchange.response_end_ns = 20'000'001;
    exchange.request_body_bytes = 5;
    exchange.rpc.emplace();
    exchange.rpc->status = status;
    connection::ConnectionInfo connection;
    span::ExchangeFacts facts;
    span::ComputeFacts(connection, exchange, span::KnownMethods(), facts);
    return metrics->Record(resource, facts, exchange, kSecond, kUtc);
  }
  static std::map<std::string, std::string> Attributes(const HistogramPoint& point) {
    std::map<std::string, std::string> all;
    for (const auto& attribute : point.attributes) {
      std::string value;
      if (const auto text = attribute.value.text()) value = *text;
      if (const auto number = attribute.value.number()) value = std::to_string(*number);
      if (const auto flag = attribute.value.truth()) value = *flag ? "true" : "false";
      all.emplace(attribute.key, value);
    }
    return all;
  }
  void Use(RedOptions options) { metrics = std::make_unique<RedMetrics>(options, registry); }

  telemetry::Registry registry;
  std::unique_ptr<RedMetrics> metrics = std::make_unique<RedMetrics>(RedOptions{}, registry);
};

TEST_F(RedMetricsTest, HasTheAttributesOfTheConventionsAndNoOthers) {
  const auto a = Service("a");
  Record(a, true, 200);
  Record(a, true, 500);
  Record(a, false, 404, 0.02, "api.example:81");
  const Snapshot snapshot = metrics->TakeSnapshot(kUtc);
  ASSERT_EQ(snapshot.size(), 1u);
  ASSERT_EQ(snapshot[0].metrics.size(), 2u);
  const auto& server = snapshot[0].metrics[0];
  EXPECT_EQ(server.name, "http.server.request.duration");
  EXPECT_EQ(server.unit, "s");
  EXPECT_EQ(server.bounds, (std::vector<double>{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5,
                                                0.75, 1, 2.5, 5, 7.5, 10}));
  ASSERT_EQ(server.points.size(), 2u);
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(Attributes(server.points[0]), (Map{{"http.request.method", "GET"},
                                               {"url.scheme", "http"},
                                               {"http.response.status_code", "200"},
                                               {"network.protocol.version", "1.1"}}));
  EXPECT_EQ(Attributes(server.points[1]), (Map{{"http.request.method", "GET"},
                                               {"url.scheme", "http"},
                                               {"http.response.status_code", "500"},
                                               {"error.type", "500"},
                                               {"network.protocol.version", "1.1"}}));
  EXPECT_EQ(snapshot[0].metrics[1].name, "http.client.request.duration");
  EXPECT_EQ(Attributes(snapshot[0].metrics[1].points.at(0)),
            (Map{{"http.request.method", "GET"},
                 {"url.scheme", "http"},
                 {"http.response.status_code", "404"},
                 {"error.type", "404"},
                 {"network.protocol.version", "1.1"},
                 {"server.address", "api.example"},
                 {"server.port", "81"}}));
}

TEST_F(RedMetricsTest, CountsCallsAsCallsAlone) {
  RedOptions options;
  options.body_sizes = true;
  Use(options);
  const auto a = Service("a");
  const span::MetricRef ok = RecordCall(a, true, 0);
  RecordCall(a, true, 0);
  RecordCall(a, true, 5);
  RecordCall(a, true, 13);
  RecordCall(a, false, 5, "/a.B/C", "cart:50051");
  RecordCall(a, false, std::nullopt, "/nothing", "cart:50051");
  metrics->Exemplify(ok, 0.02, kUtc, {1}, {2});
  const Snapshot snapshot = metrics->TakeSnapshot(kUtc);
  ASSERT_EQ(snapshot.size(), 1u);
  ASSERT_EQ(snapshot[0].metrics.size(), 2u);
  const auto& server = snapshot[0].metrics[0];
  EXPECT_EQ(server.name, "rpc.server.call.duration");
  EXPECT_EQ(server.unit, "s");
  EXPECT_EQ(server.bounds, (std::vector<double>{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5,
                                                0.75, 1, 2.5, 5, 7.5, 10}));
  ASSERT_EQ(server.points.size(), 3u);
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(Attributes(server.points[0]), (Map{{"rpc.system.name", "grpc"},
                                               {"rpc.method", "a.B/C"},
                                               {"rpc.response.status_code", "OK"}}));
  EXPECT_EQ(server.points[0].count, 2u);
  ASSERT_EQ(server.points[0].exemplars.size(), 1u);
  EXPECT_EQ(Attributes(server.points[1]), (Map{{"rpc.system.name", "grpc"},
                                               {"rpc.method", "a.B/C"},
                                               {"rpc.response.status_code", "NOT_FOUND"}}));
  EXPECT_EQ(Attributes(server.points[2]), (Map{{"rpc.system.name", "grpc"},
                                               {"rpc.method", "a.B/C"},
                                               {"rpc.response.status_code", "INTERNAL"},
                                               {"error.type", "INTERNAL"}}));
  const auto& client = snapshot[0].metrics[1];
  EXPECT_EQ(client.name, "rpc.client.call.duration");
  ASSERT_EQ(client.points.size(), 2u);
  EXPECT_EQ(Attributes(client.points[0]), (Map{{"rpc.system.name", "grpc"},
                                               {"rpc.method", "a.B/C"},
                                               {"rpc.response.status_code", "NOT_FOUND"},
                                               {"error.type", "NOT_FOUND"},
                                               {"server.address", "cart"},
                                               {"server.port", "50051"}}));
  EXPECT_EQ(Attributes(client.points[1]), (Map{{"rpc.system.name", "grpc"},
                                               {"rpc.method", "_OTHER"},
                                               {"server.address", "cart"},
                                               {"server.port", "50051"}}));
}

TEST_F(RedMetricsTest, BoundsCallsAsExchanges) {
  RedOptions options;
  options.body_sizes = true;  // HTTP's series count thrice, a call's once
  options.max_series_per_service = 2;
  options.max_series = 6;
  Use(options);
  const auto a = Service("a");
  for (int i = 0; i < 5; ++i) RecordCall(a, true, 0, "/a.B/M" + std::to_string(i));
  Record(a, true);
  EXPECT_EQ(registry.Value("wirespan_metric_series"), 5);
  EXPECT_EQ(registry.Value("wirespan_metric_overflow_total"), 3);
  Record(a, false);
  EXPECT_EQ(registry.Value("wirespan_metric_overflow_total"), 4);
  const auto snapshot = metrics->TakeSnapshot(kUtc);
  ASSERT_GE(snapshot.size(), 1u);
  std::uint64_t calls = 0, overflow = 0;
  for (const auto& metric : snapshot[0].metrics) {
    if (metric.name != "rpc.server.call.duration") continue;
    for (const auto& point : metric.points) {
      calls += point.count;
      if (Attributes(point).contains("otel.metric.overflow")) overflow += point.count;
    }
  }
  EXPECT_EQ(calls, 5u);
  EXPECT_EQ(overflow, 3u);
  metrics->Tick(1000 * kSecond);
  EXPECT_EQ(registry.Value("wirespan_metric_series"), 0);
  EXPECT_TRUE(metrics->TakeSnapshot(kUtc).empty());
}

TEST_F(RedMetricsTest, AddsServerAddressesAndSizesIfAsked) {
  RedOptions options;
  options.body_sizes = true;
  options.server_address_on_server = true;
  Use(options);
  Record(Service("a"), true, 200, 0.02, "me.example");
  const Snapshot snapshot = metrics->TakeSnapshot(kUtc);
  ASSERT_EQ(snapshot[0].metrics.size(), 3u);
  EXPECT_EQ(Attributes(snapshot[0].metrics[0].points[0])["server.address"], "me.example");
  EXPECT_EQ(snapshot[0].metrics[1].name, "http.server.request.body.size");
  EXPECT_EQ(snapshot[0].metrics[1].unit, "By");
  EXPECT_EQ(snapshot[0].metrics[1].points[0].sum, 5);
  EXPECT_EQ(snapshot[0].metrics[2].points[0].sum, 500);
}

TEST_F(RedMetricsTest, APointIsNotOlderThanWhatIsInIt) {
  Record(Service("shop"));
  // The clock was read, then an exchange recorded, then the snapshot taken.
  EXPECT_EQ(metrics->TakeSnapshot(kUtc - 5)[0].metrics[0].points[0].time_ns, kUtc);
  EXPECT_EQ(metrics->TakeSnapshot(kUtc + 5)[0].metrics[0].points[0].time_ns, kUtc + 5);
  // A step of the clock is not that.
  EXPECT_EQ(metrics->TakeSnapshot(kUtc - 2 * kSecond)[0].metrics[0].points[0].time_ns,
            kUtc - 2 * kSecond);
}

TEST_F(RedMetricsTest, SaysWhoseProcessesReportTheirOwnSpans) {
  const auto shop = Service("shop");
  Record(shop);
  EXPECT_FALSE(metrics->TakeSnapshot(kUtc)[0].metrics[0].instrumented);
  connection::ConnectionInfo connection;
  protocol::Exchange exchange;
  exchange.method = "GET";
  exchange.status = 200;
  span::ExchangeFacts facts;
  span::ComputeFacts(connection, exchange, span::KnownMethods(), facts);
  facts.instrumented = true;
  metrics->Record(shop, facts, exchange, kSecond, kUtc);
  EXPECT_TRUE(metrics->TakeSnapshot(kUtc)[0].metrics[0].instrumented);
}

TEST_F(RedMetricsTest, CountsInclusiveUpperBounds) {
  const auto a = Service("a");
  for (const double seconds : {0.005, 0.0050001, 10.0, 11.0}) Record(a, true, 200, seconds);
  const auto point = metrics->TakeSnapshot(kUtc)[0].metrics[0].points[0];
  EXPECT_EQ(point.bucket_counts[0], 1u);
  EXPECT_EQ(point.bucket_counts[1], 1u);
  EXPECT_EQ(point.bucket_counts[13], 1u);
  EXPECT_EQ(point.bucket_counts[14], 1u);
  EXPECT_EQ(point.count, 4u);
  EXPECT_DOUBLE_EQ(point.min, 0.005);
  EXPECT_DOUBLE_EQ(point.max, 11.0);
}

TEST_F(RedMetricsTest, KeepsOneSeriesBeyondTheBoundOfAService) {
  RedOptions options;
  options.max_series_per_service = 10;
  Use(options);
  const auto a = Service("a"), twin = Service("a"), b = Service("b");
  for (int i = 0; i < 20; ++i)
    Record(i % 2 == 0 ? a : twin, false, 200, 0.01, "host" + std::to_string(i));
  Record(b, false);
  Record(a, true);  // another metric
  std::uint64_t count = 0, points = 0, overflow = 0;
  for (const auto& resource : metrics->TakeSnapshot(kUtc)) {
    for (const auto& metric : resource.metrics) {
      for (const auto& point : metric.points) {
        ++points;
        count += point.count;
        const auto attributes = Attributes(point);
        if (!attributes.contains("otel.metric.overflow")) continue;
        EXPECT_EQ(attributes.size(), 1u);
        EXPECT_EQ(attributes.at("otel.metric.overflow"), "true");
        EXPECT_EQ(resource.resource->service_name, "a");
        overflow += point.count;
      }
    }
  }
  EXPECT_EQ(points, 10u + 1 + 1 + 1);
  EXPECT_EQ(overflow, 10u);
  EXPECT_EQ(count, 22u);  // nothing got lost
  EXPECT_EQ(registry.Value("wirespan_metric_overflow_total"), 10);
}

TEST_F(RedMetricsTest, KeepsWithinTheBoundOfTheNode) {
  RedOptions options;
  options.max_series = 30;
  options.max_services = 20;
  Use(options);
  for (int i = 0; i < 100; ++i) Record(Service("service" + std::to_string(i)), true);
  std::uint64_t count = 0, points = 0;
  for (const auto& resource : metrics->TakeSnapshot(kUtc)) {
    for (const auto& point : resource.metrics.at(0).points) {
      ++points;
      count += point.count;
    }
  }
  EXPECT_EQ(count, 100u);
  EXPECT_EQ(points, 21u);  // each of twenty services, and the node's one for the rest
}

TEST_F(RedMetricsTest, LetsIdleSeriesExpire) {
  const auto a = Service("a");
  const auto ref = Record(a, true, 200, 0.02, "h", kSecond);
  Record(a, true, 500, 0.02, "h", kSecond);
  Record(a, true, 500, 0.02, "h", 250 * kSecond);
  metrics->Tick(302 * kSecond);
  const auto snapshot = metrics->TakeSnapshot(kUtc);
  ASSERT_EQ(snapshot.at(0).metrics.at(0).points.size(), 1u);
  EXPECT_EQ(Attributes(snapshot[0].metrics[0].points[0])["http.response.status_code"], "500");
  EXPECT_EQ(registry.Value("wirespan_metric_series"), 1);
  EXPECT_EQ(registry.Value("wirespan_metric_expired_total"), 1);
  metrics->Exemplify(ref, 1, kUtc, {}, {});  // of a series that is gone: nothing happens
  Record(a, true, 200, 0.02, "h", 303 * kSecond);
  EXPECT_EQ(metrics->TakeSnapshot(kUtc)[0].metrics[0].points.size(), 2u);
  const auto again = metrics->TakeSnapshot(kUtc);
  for (const auto& point : again[0].metrics[0].points) EXPECT_TRUE(point.exemplars.empty());
}

TEST_F(RedMetricsTest, KeepsFewExemplarsAndTheRareOnes) {
  const auto a = Service("a");
  const auto ref = Record(a);
  metrics->Exemplify(ref, 8.0, kUtc, {9}, {9});
  for (std::uint8_t i = 0; i < 100; ++i)
    metrics->Exemplify(ref, 0.001, kUtc + i * kSecond / 10, {i}, {i});
  const auto point = metrics->TakeSnapshot(kUtc)[0].metrics[0].points[0];
  ASSERT_EQ(point.exemplars.size(), 2u);
  EXPECT_EQ(point.exemplars[0].value, 8.0);
  EXPECT_EQ(point.exemplars[1].trace_id[0], 99 / 11 * 11);  // one a second
}

}  // namespace
}  // namespace wirespan::metric
