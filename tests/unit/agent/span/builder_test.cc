#include "agent/span/builder.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/span/world.h"

namespace wirespan::span {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kA = 100, kB = 200;
const std::string kHeader = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

double Dropped(const World& world, const char* reason) {
  return world.Metric("wirespan_span_dropped_total", {{"reason", reason}});
}
double Measured(const World& world) { return world.Metric("wirespan_metric_exchanges_total"); }

World::Request Remote(std::uint32_t pid, std::uint32_t connection, std::string traceparent = {}) {
  return {.pid = pid,
          .tid = pid + 1,
          .connection = connection,
          .traceparent = std::move(traceparent),
          .local = false};
}

TEST(SpanStageTest, CountsEveryExchangeOnce) {
  SpanOptions options;
  options.ignore = *IgnoreRules::Compile({{"/health", "", ""}});
  World world(std::move(options));
  world.processes[kB].reported = false;
  world.Finish(world.Server(Remote(kA, 1)));
  world.Finish(world.Server(Remote(kB, 2)));
  auto health = Remote(kA, 3);
  health.target = "/health";
  world.Finish(world.Server(health));
  const auto key = world.Server(Remote(kA, 4));
  world.open.at(key).exchange.method = "POST";
  world.open.at(key).exchange.target = "/v1/traces";
  world.open.at(key).exchange.request_content_type = "application/x-protobuf";
  world.Finish(key);
  EXPECT_EQ(world.spans.size(), 1u);
  EXPECT_EQ(Dropped(world, "excluded"), 1);
  EXPECT_EQ(Dropped(world, "ignored"), 1);
  EXPECT_EQ(Dropped(world, "telemetry"), 1);
  EXPECT_EQ(Measured(world), 1);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(SpanStageTest, MeasuresBeforeItSamples) {
  SpanOptions options;
  options.sampler = *Sampler::Parse("always_off", "");
  World world(std::move(options));
  world.Finish(world.Server(Remote(kA, 1)));
  EXPECT_TRUE(world.spans.empty());
  EXPECT_EQ(Dropped(world, "sampled_out"), 1);
  EXPECT_EQ(Measured(world), 1);
}

TEST(SpanStageTest, HonoursTheSampledFlag) {
  World world;
  world.Finish(
      world.Server(Remote(kA, 1, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")));
  EXPECT_TRUE(world.spans.empty());
  world.Finish(world.Server(Remote(kA, 2, kHeader)));
  EXPECT_EQ(world.spans.size(), 1u);
  EXPECT_EQ(world.spans[0].flags & 1, 1);
}

TEST(SpanStageTest, SamplesBothEndsAlike) {
  SpanOptions options;
  options.sampler = *Sampler::Parse("parentbased_traceidratio", "0.3");
  World world(std::move(options));
  for (std::uint32_t i = 0; i < 300; ++i) {
    const auto client = world.Client({.pid = kA, .tid = 1, .connection = 1, .offset = i * 10});
    const auto server = world.Server({.pid = kB, .tid = 2, .connection = 1, .offset = i * 10});
    world.Finish(server);
    world.Finish(client);
  }
  std::map<TraceId, int> ends;
  for (const Span& span : world.spans) ++ends[span.trace_id];
  for (const auto& [trace, count] : ends) EXPECT_EQ(count, 2);
  EXPECT_GT(ends.size(), 50u);
  EXPECT_LT(ends.size(), 150u);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(SpanStageTest, LimitsTracesPerSecond) {
  SpanOptions options;
  options.max_traces_per_second = 5;
  World world(std::move(options));
  for (std::uint32_t i = 0; i < 100; ++i)
    world.Finish(world.Server(Remote(kA, i + 1)));  // within 200 ms
  EXPECT_GE(world.spans.size(), 5u);
  EXPECT_LE(world.spans.size(), 6u);
  EXPECT_EQ(Dropped(world, "rate_limited"), 100.0 - static_cast<double>(world.spans.size()));
  EXPECT_EQ(Measured(world), 100);
}

TEST(SpanStageTest, WithoutTracesOnlyMeasures) {
  SpanOptions options;
  options.traces = false;
  World world(std::move(options));
  world.Finish(world.Server(Remote(kA, 1)));
  EXPECT_EQ(Dropped(world, "disabled"), 1);
  EXPECT_EQ(Measured(world), 1);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(SpanStageTest, NoticesAProcessThatMakesItsOwnSpanIds) {
  World world;
  world.Later(6 * kSecond);
  world.Finish(world.Client(Remote(kA, 1)));
  world.Finish(world.Server(Remote(kA, 2)));
  ASSERT_EQ(world.spans.size(), 2u);
  world.Finish(world.Client(Remote(kA, 3, kHeader)));  // a span id that never came in
  EXPECT_EQ(world.noted, (std::vector<std::pair<std::uint32_t, bool>>{{kA, false}}));
  EXPECT_EQ(world.Metric("wirespan_span_late_instrumented_total"), 2);
  world.Finish(world.Server(Remote(kA, 4)));
  EXPECT_EQ(world.spans.size(), 2u);
  EXPECT_EQ(Dropped(world, "instrumented"), 2);
  EXPECT_EQ(Measured(world), 4);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(SpanStageTest, TakesAProxyForNoInstrumentedProcess) {
  World world;
  world.Later(6 * kSecond);
  const auto in = world.Server(Remote(kA, 1, kHeader));
  world.Finish(world.Client(Remote(kA, 2, kHeader)));
  world.Finish(in);
  world.Finish(world.Client(Remote(kA, 2, kHeader)));  // a retry after the answer
  EXPECT_TRUE(world.noted.empty());
  EXPECT_EQ(world.spans.size(), 3u);
}

TEST(SpanStageTest, NoticesAProcessAtItsFirstExport) {
  World world;
  world.Finish(world.Server(Remote(kA, 1)));
  protocol::Exchange exchange;
  exchange.side = protocol::Side::kClient;
  exchange.pid = kA;
  exchange.method = "POST";
  exchange.target = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  exchange.request_content_type = "application/grpc";
  const auto info = std::make_shared<const connection::ConnectionInfo>(World::End(5, true, false));
  world.stage.OnRequest(77, *info, exchange);
  world.stage.OnExchange(77, {info, exchange});
  EXPECT_EQ(world.noted, (std::vector<std::pair<std::uint32_t, bool>>{{kA, true}}));
  EXPECT_EQ(Dropped(world, "telemetry"), 1);
  EXPECT_EQ(world.Metric("wirespan_span_late_instrumented_total"), 1);
  EXPECT_TRUE(world.LedgerCloses());
}

connection::ObservedExchange Call(bool server, const std::string& path, int status) {
  protocol::Exchange exchange;
  exchange.protocol = protocol::Protocol::kGrpc;
  exchange.side = server ? protocol::Side::kServer : protocol::Side::kClient;
  exchange.version_major = 2;
  exchange.version_minor = 0;
  exchange.pid = kA;
  exchange.method = "POST";
  exchange.target = path;
  exchange.host = "cart:50051";
  exchange.request_content_type = "application/grpc";
  exchange.stream_id = 3;
  exchange.status = 200;
  exchange.request_start_ns = 1'000;
  exchange.response_end_ns = 2'000'000;
  exchange.rpc.emplace();
  exchange.rpc->status = status;
  exchange.rpc->message = "no such cart";
  return {std::make_shared<const connection::ConnectionInfo>(World::End(5, !server, false)),
          std::move(exchange)};
}

TEST(SpanStageTest, TellsCallsAsCalls) {
  SpanOptions options;
  options.routes = *Routes::Compile({{"*", {"/*"}}});
  options.ignore = *IgnoreRules::Compile({{.path = "/grpc.health.v1.Health/*"}});
  World world(std::move(options));
  std::uint64_t key = 100;
  for (const auto& [server, path, status] :
       std::initializer_list<std::tuple<bool, std::string, int>>{
           {true, "/shop.v1.Cart/Add", 0},
           {false, "/shop.v1.Cart/Add", 5},
           {true, "/grpc.health.v1.Health/Check", 0},
           {true, "/opentelemetry.proto.collector.logs.v1.LogsService/Export", 0}}) {
    auto call = Call(server, path, status);
    world.stage.OnRequest(++key, *call.connection, call.exchange);
    world.stage.OnExchange(key, std::move(call));
  }
  EXPECT_EQ(Dropped(world, "ignored"), 1);
  EXPECT_EQ(Dropped(world, "telemetry"), 1);
  EXPECT_TRUE(world.LedgerCloses());
  ASSERT_EQ(world.spans.size(), 2u);
  EXPECT_EQ(world.spans[0].name, "shop.v1.Cart/Add");
  EXPECT_EQ(world.spans[0].status, Status::kUnset);
  EXPECT_EQ(world.spans[0].status_message, "");
  EXPECT_EQ(Get(world.spans[0], names::kWirespanRpcStatusMessage), "no such cart");
  EXPECT_EQ(Get(world.spans[0], names::kHttpRoute), "<none>");
  EXPECT_EQ(world.spans[1].status, Status::kError);
  EXPECT_EQ(world.spans[1].status_message, "no such cart");
  EXPECT_EQ(Get(world.spans[1], names::kErrorType), "NOT_FOUND");
  const auto snapshot = world.metrics.TakeSnapshot(1);
  ASSERT_EQ(snapshot.size(), 1u);
  ASSERT_EQ(snapshot[0].metrics.size(), 2u);
  for (const auto& metric : snapshot[0].metrics) {
    EXPECT_TRUE(metric.name == "rpc.server.call.duration" ||
                metric.name == "rpc.client.call.duration");
    ASSERT_EQ(metric.points.size(), 1u);
    EXPECT_EQ(metric.points[0].exemplars.size(), 1u);
  }
}

TEST(SpanStageTest, IgnoresNoPathThatIsNotKnown) {
  SpanOptions options;
  options.ignore = *IgnoreRules::Compile({{.path = "*"}});
  World world(std::move(options));
  auto call = Call(true, "", 0);
  call.exchange.incomplete = protocol::kIncompleteHpack;
  world.stage.OnExchange(1, std::move(call));
  ASSERT_EQ(world.spans.size(), 1u);
  EXPECT_EQ(world.spans[0].name, "grpc");
  EXPECT_EQ(Get(world.spans[0], names::kWirespanIncomplete), "hpack");
}

TEST(SpanStageTest, ForcedProcessesKeepTheirSpans) {
  World world;
  world.believe_notes = false;  // `traces: always`
  world.Later(6 * kSecond);
  world.Finish(world.Client(Remote(kA, 3, kHeader)));
  world.Finish(world.Client(Remote(kA, 3, kHeader)));
  EXPECT_EQ(world.noted.size(), 1u);
  EXPECT_EQ(world.spans.size(), 2u);
}

TEST(SpanStageTest, SetsConfiguredRoutes) {
  SpanOptions options;
  options.routes = *Routes::Compile({{"service-100", {"/users/{id}"}}});
  World world(std::move(options));
  auto request = Remote(kA, 1);
  request.target = "/users/42?x";
  world.Finish(world.Server(request));
  request.pid = kB;
  request.connection = 2;
  world.Finish(world.Server(request));
  EXPECT_EQ(world.spans[0].name, "GET /users/{id}");
  EXPECT_EQ(Get(world.spans[0], names::kWirespanRouteSource), "config");
  EXPECT_EQ(world.spans[1].name, "GET");
  EXPECT_EQ(Get(world.spans[1], names::kHttpRoute), "<none>");

  SpanOptions changed;
  changed.routes = *Routes::Compile({{"*", {"/*"}}});
  world.stage.Reconfigure(std::move(changed));
  request.connection = 3;
  world.Finish(world.Server(request));
  EXPECT_EQ(world.spans[2].name, "GET /*");
}

TEST(SpanStageTest, ClockStepsTouchNoDurationAndNoTrace) {
  World world;
  const auto start = world.clock.realtime_ns();
  const auto call = world.Client({.pid = 50, .tid = 5, .connection = 1});
  const auto a = world.Server({.pid = kA, .tid = 10, .connection = 1});
  world.clock.StepRealtime(-3600 * static_cast<std::int64_t>(kSecond));
  world.stage.Tick();
  const auto ab = world.Client({.pid = kA, .tid = 10, .connection = 2});
  const auto b = world.Server({.pid = kB, .tid = 20, .connection = 2});
  world.Finish(b);
  world.Finish(ab);
  world.Finish(a);
  world.Finish(call);
  ASSERT_EQ(world.spans.size(), 4u);
  for (const Span& span : world.spans) {
    EXPECT_GE(span.start_ns, start);
    EXPECT_LT(span.end_ns, start + kSecond);
    EXPECT_LT(span.start_ns, span.end_ns);
  }
  EXPECT_EQ(world.Metric("wirespan_span_clock_steps_total"), 1);
  world.Finish(world.Server(Remote(kA, 9)));
  EXPECT_LT(world.spans.back().start_ns, start);
}

TEST(SpanStageTest, ClockStepsDoNotTearATraceThatAHeaderNames) {
  World world;
  world.believe_notes = false;
  const auto start = world.clock.realtime_ns();
  const auto in = world.Server(Remote(kA, 1, kHeader));
  world.clock.StepRealtime(3600 * static_cast<std::int64_t>(kSecond));
  world.stage.Tick();
  auto out = Remote(kA, 2, kHeader);
  out.tid = 77;  // no link: another thread
  world.Finish(world.Client(out));
  world.Finish(in);
  for (const Span& span : world.spans) EXPECT_LT(span.end_ns, start + kSecond);
}

TEST(SpanStageTest, SaysWhenTheIdIsNotTheWires) {
  World world;
  const auto key = world.Server(Remote(kA, 1));
  EXPECT_NE(key, 0u);
  world.Finish(key);
  EXPECT_EQ(Get(world.spans[0], names::kWirespanWire), "<none>");

  protocol::Exchange exchange;
  exchange.pid = kA;
  exchange.method = "GET";
  exchange.target = "/";
  exchange.wire_exact = false;
  const auto info = std::make_shared<const connection::ConnectionInfo>(World::End(5, false, false));
  world.stage.OnExchange(99, {info, exchange});  // its head was never announced
  ASSERT_EQ(world.spans.size(), 2u);
  EXPECT_EQ(Get(world.spans[1], names::kWirespanWire), "none");
  EXPECT_EQ(world.Metric("wirespan_span_wire_none_total"), 1);
  EXPECT_EQ(Get(world.spans[1], names::kWirespanInferred), "end_time");
}

TEST(SpanStageTest, LeavesExemplars) {
  World world;
  world.Finish(world.Server(Remote(kA, 1)));
  const auto snapshot = world.metrics.TakeSnapshot(world.clock.realtime_ns());
  ASSERT_EQ(snapshot.size(), 1u);
  const auto& point = snapshot[0].metrics.at(0).points.at(0);
  ASSERT_EQ(point.exemplars.size(), 1u);
  EXPECT_EQ(point.exemplars[0].trace_id, world.spans[0].trace_id);
  EXPECT_EQ(point.exemplars[0].span_id, world.spans[0].span_id);
  // The metric's value is the span's duration.
  EXPECT_DOUBLE_EQ(point.sum,
                   static_cast<double>(world.spans[0].end_ns - world.spans[0].start_ns) * 1e-9);
}

TEST(SpanStageTest, StaysBoundedUnderAnyNumberOfOpenExchanges) {
  SpanOptions options;
  options.links.max_open = 100;
  World world(std::move(options));
  std::vector<World::Key> keys;
  for (std::uint32_t i = 0; i < 300; ++i) keys.push_back(world.Server(Remote(kA, i + 1)));
  for (const auto key : keys) world.Finish(key);
  EXPECT_EQ(world.spans.size(), 300u);
  world.Later();
  EXPECT_EQ(world.Metric("wirespan_span_unlinked_total", {{"reason", "untracked"}}), 200);
  EXPECT_TRUE(world.LedgerCloses());
}

}  // namespace
}  // namespace wirespan::span
