#include <gtest/gtest.h>

#include "agent/span/clock_offset.h"
#include "agent/span/ignore.h"
#include "agent/span/inbound_ids.h"
#include "agent/span/routes.h"
#include "agent/span/sampler.h"
#include "agent/span/trace_limiter.h"
#include "tests/support/fake_clock.h"

namespace wirespan::span {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(RoutesTest, MatchInTheOrderOfTheConfig) {
  const auto routes =
      Routes::Compile({{"shop*", {"/users/me", "/users/{id}", "/static/*", "/a/*/c", "/dir/"}},
                       {"other", {"/{anything}"}}});
  ASSERT_TRUE(routes) << routes.error().message;
  const RouteSet shop = routes->ForService("shop-eu");
  for (const auto& [path, route] :
       std::vector<std::pair<std::string, std::string>>{{"/users/me", "/users/me"},
                                                        {"/users/42", "/users/{id}"},
                                                        {"/users/", ""},
                                                        {"/users/42/x", ""},
                                                        {"/static/", "/static/*"},
                                                        {"/static", "/static/*"},
                                                        {"/static/a/b", "/static/*"},
                                                        {"/staticx", ""},
                                                        {"/a/b/c", "/a/*/c"},
                                                        {"/a//c", ""},
                                                        {"/dir/", "/dir/"},
                                                        {"/dir", ""},
                                                        {"", ""},
                                                        {"*", ""},
                                                        {"/", ""}}) {
    EXPECT_EQ(shop.Match(path), route) << path;
  }
  EXPECT_EQ(routes->ForService("other").Match("/x"), "/{anything}");
  EXPECT_TRUE(routes->ForService("nothing").empty());
}

TEST(RoutesTest, RefuseBadPatternsByName) {
  for (const char* bad : {"users", "", "/a{b}", "/{}", "/{a}{b}", "/x*/y", "/{a"}) {
    const auto routes = Routes::Compile({{"*", {bad}}});
    ASSERT_FALSE(routes) << bad;
    EXPECT_NE(routes.error().message.find("'" + std::string(bad) + "'"), std::string::npos);
  }
}

protocol::Exchange Post(std::string target, std::string type, std::string method = "POST") {
  protocol::Exchange exchange;
  exchange.method = std::move(method);
  exchange.target = std::move(target);
  exchange.request_content_type = std::move(type);
  return exchange;
}

TEST(IgnoreTest, NeedsAllThatARuleNames) {
  const auto rules = IgnoreRules::Compile({{"/health*", "GET", ""}, {"", "", "kube-probe/*"}});
  ASSERT_TRUE(rules);
  EXPECT_TRUE(rules->Matches(Post("/healthz?x=1", "", "GET")));
  EXPECT_FALSE(rules->Matches(Post("/healthz", "", "POST")));
  EXPECT_FALSE(rules->Matches(Post("/x?/health", "", "GET")));
  auto probe = Post("/", "", "GET");
  probe.user_agent = "kube-probe/1.34";
  EXPECT_TRUE(rules->Matches(probe));
  EXPECT_FALSE(IgnoreRules::Compile({{"", "", ""}}));
}

TEST(TelemetryExportTest, KnowsTheExportersAndNothingElse) {
  EXPECT_TRUE(IsTelemetryExport(Post("/v1/traces", "application/x-protobuf")));
  EXPECT_TRUE(IsTelemetryExport(Post("/v1/metrics", "application/json; charset=utf-8")));
  EXPECT_TRUE(IsTelemetryExport(Post("http://c:4318/v1/logs", "application/x-protobuf")));
  EXPECT_TRUE(IsTelemetryExport(Post("/tenant/v1/traces", "application/x-protobuf")));
  EXPECT_TRUE(IsTelemetryExport(
      Post("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc")));
  EXPECT_TRUE(IsTelemetryExport(
      Post("/opentelemetry.proto.experimental.arrow.v1.ArrowTracesService/ArrowTraces",
           "application/grpc+proto")));
  EXPECT_TRUE(
      IsTelemetryExport(Post("/jaeger.api_v2.CollectorService/PostSpans", "application/grpc")));
  EXPECT_FALSE(IsTelemetryExport(
      Post("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "text/html")));
  EXPECT_FALSE(IsTelemetryExport(Post("/shop.v1.Cart/Add", "application/grpc")));
  // Joined late: HPACK's holes hide the path, and may hide the content type.
  protocol::Exchange hidden;
  hidden.protocol = protocol::Protocol::kGrpc;
  hidden.method = "POST";
  EXPECT_FALSE(IsTelemetryExport(hidden));
  hidden.user_agent = "OTel OTLP Exporter Go/1.30 grpc-go/1.70";
  EXPECT_TRUE(IsTelemetryExport(hidden));
  hidden.target = "/shop.v1.Cart/Add";
  EXPECT_FALSE(IsTelemetryExport(hidden));
  EXPECT_TRUE(IsTelemetryExport(Post("/api/v2/spans", "application/json")));
  EXPECT_TRUE(IsTelemetryExport(Post("/api/traces?format=jaeger.thrift", "application/x-thrift")));
  EXPECT_FALSE(IsTelemetryExport(Post("/v1/traces", "application/x-protobuf", "GET")));
  EXPECT_FALSE(IsTelemetryExport(Post("/v1/traces", "text/html")));
  EXPECT_FALSE(
      IsTelemetryExport(Post("/api/v1/logs", "application/json")));  // an application's own
  EXPECT_FALSE(IsTelemetryExport(Post("/api/traces", "application/json")));
  EXPECT_FALSE(IsTelemetryExport(Post("/x", "application/x-protobuf")));
}

TEST(SamplerTest, FollowsTheTraceIdAndTheCaller) {
  TraceId low{}, high{};
  high.fill(0xff);
  low[15] = 1;
  const auto sampler = [](const char* name, const char* argument = "") {
    return *Sampler::Parse(name, argument);
  };
  EXPECT_TRUE(sampler("").Keep(high, false, 0));
  EXPECT_FALSE(sampler("").Keep(high, true, 0));  // parentbased_always_on
  EXPECT_TRUE(sampler("").Keep(high, true, 1));
  EXPECT_TRUE(sampler("always_on").Keep(high, true, 0));
  EXPECT_FALSE(sampler("always_off").Keep(low, true, 1));
  EXPECT_TRUE(sampler("parentbased_always_off").Keep(low, true, 1));
  EXPECT_FALSE(sampler("parentbased_always_off").Keep(low, false, 1));
  EXPECT_TRUE(sampler("traceidratio", "0.5").Keep(low, true, 0));
  EXPECT_FALSE(sampler("traceidratio", "0.5").Keep(high, true, 1));
  EXPECT_FALSE(sampler("traceidratio", "0").Keep(low, false, 1));
  EXPECT_TRUE(sampler("traceidratio", "1").Keep(high, false, 1));
  EXPECT_FALSE(sampler("parentbased_traceidratio", "0.5").Keep(low, true, 0));
  EXPECT_TRUE(sampler("parentbased_traceidratio", "0.5").Keep(low, false, 0));
}

TEST(SamplerTest, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(Sampler::Parse("jaeger_remote", "").error().message.find("jaeger_remote"),
            std::string::npos);
  for (const char* bad : {"1.5", "-1", "x", "nan", "0.5x"}) {
    EXPECT_FALSE(Sampler::Parse("traceidratio", bad)) << bad;
  }
}

TEST(TraceLimiterTest, LetsSoManyTracesInAndKeepsItsWord) {
  TraceLimiter limiter(10);
  int kept = 0;
  TraceId id{};
  for (std::uint8_t i = 1; i <= 50; ++i) {
    id[0] = i;
    const bool keep = limiter.Keep(id, kSecond);
    kept += keep;
    EXPECT_EQ(limiter.Keep(id, 20 * kSecond - kSecond * 19), keep);  // its other spans
  }
  EXPECT_EQ(kept, 10);
  id[1] = 1;
  EXPECT_TRUE(limiter.Keep(id, 2 * kSecond));
}

TEST(ClockOffsetTest, MeasuresEveryTenSecondsAndAfterSteps) {
  testing::FakeClock clock;
  const auto started = clock.monotonic_ns();
  ClockOffset offset(clock);
  const auto first = offset.At(started);
  EXPECT_EQ(started + static_cast<std::uint64_t>(first), clock.realtime_ns());

  clock.Advance(kSecond);
  clock.StepRealtime(300'000);  // slewing: waits for the ten seconds
  EXPECT_FALSE(offset.Tick());
  clock.Advance(9 * kSecond);
  EXPECT_TRUE(offset.Tick());
  EXPECT_EQ(offset.At(clock.monotonic_ns()), first + 300'000);

  clock.Advance(kSecond);
  const auto before_step = clock.monotonic_ns();
  clock.Advance(kSecond);
  clock.StepRealtime(-3600 * static_cast<std::int64_t>(kSecond));
  EXPECT_TRUE(offset.Tick());
  EXPECT_EQ(offset.steps(), 1u);
  EXPECT_EQ(offset.At(clock.monotonic_ns()),
            first + 300'000 - 3600 * static_cast<std::int64_t>(kSecond));
  EXPECT_EQ(offset.At(before_step), first + 300'000);
  EXPECT_EQ(offset.At(started), first);
}

TEST(InboundIdsTest, GiveNoVerdictTooEarly) {
  InboundIds ids(0);
  const SpanId a{1}, b{2};
  EXPECT_TRUE(ids.MayHaveComeIn(1, a, kSecond));
  ids.Add(1, a, kSecond);
  EXPECT_TRUE(ids.MayHaveComeIn(1, a, 10 * kSecond));
  EXPECT_FALSE(ids.MayHaveComeIn(1, b, 10 * kSecond));
  EXPECT_FALSE(ids.MayHaveComeIn(2, a, 10 * kSecond));
  // More ids in five seconds than it can remember: it says nothing.
  for (std::uint32_t i = 0; i < 70000; ++i) {
    ids.Add(3,
            {9, static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8),
             static_cast<std::uint8_t>(i >> 16)},
            10 * kSecond);
  }
  EXPECT_TRUE(ids.MayHaveComeIn(1, b, 11 * kSecond));
  EXPECT_FALSE(ids.MayHaveComeIn(1, b, 16 * kSecond));
}

}  // namespace
}  // namespace wirespan::span
