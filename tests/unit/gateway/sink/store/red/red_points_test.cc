// What is read of agents' metrics.
#include "gateway/sink/store/red/red_points.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "gateway/sink/store/rates/durations.h"
#include "gateway/sink/store/rates/series.h"
#include "tests/unit/gateway/sink/store/red/reports.h"

namespace wirespan::gateway::store::red {
namespace {

using testing::ReportAround;
using testing::ReportBytes;
using testing::TestReport;

TEST(RedPointsTest, APointSaysWhatASpanWouldSay) {
  const RedReport report =
      ReadRedReport(ReportBytes({.points = {{.texts = {{"http.request.method", "GET"},
                                                       {"http.route", "/cart/{id}"},
                                                       {"error.type", "500"}},
                                             .counts = {0, 3, 0, 1}}}}));
  ASSERT_EQ(report.families.size(), 1u);
  EXPECT_EQ(report.points, 1u);
  const RedFamily& family = report.families[0];
  EXPECT_EQ(family.service, "shop");
  EXPECT_EQ(family.instance, "one");
  EXPECT_EQ(family.kind, RedKind::kHttpServer);
  EXPECT_EQ(family.bounds, testing::AgentBounds());
  ASSERT_EQ(family.points.size(), 1u);
  EXPECT_EQ(family.points[0].operation, "GET /cart/{id}");
  EXPECT_TRUE(family.points[0].error);
  EXPECT_FALSE(family.points[0].delta);
  EXPECT_EQ(family.points[0].counts, (BucketCounts{{1, 3}, {3, 1}}));
}

TEST(RedPointsTest, OperationsAreNamedAsTheAgentNamesSpans) {
  EXPECT_EQ(OperationText(RedKind::kHttpServer, "GET", ""), "GET");
  EXPECT_EQ(OperationText(RedKind::kHttpServer, "_OTHER", "/x"), "HTTP /x");
  EXPECT_EQ(OperationText(RedKind::kHttpClient, "GET", "/x"), "GET");
  EXPECT_EQ(OperationText(RedKind::kRpcServer, "shop.Cart/Get", ""), "shop.Cart/Get");
  EXPECT_EQ(OperationText(RedKind::kRpcClient, "_OTHER", ""), "grpc");
}

TEST(RedPointsTest, APeerIsAnAddressAndAPort) {
  EXPECT_EQ(PeerText("shop.example", 443), "shop.example");
  EXPECT_EQ(PeerText("shop.example", 0), "shop.example");
  EXPECT_EQ(PeerText("127.0.0.1", 8080), "127.0.0.1:8080");
  EXPECT_EQ(PeerText("::1", 8080), "[::1]:8080");
  EXPECT_EQ(PeerText("", 8080), "");
  EXPECT_LE(PeerText(std::string(5000, 'x'), 8080).size(), 100u);
}

TEST(RedPointsTest, AStreamIsItsAttributesInAnyOrder) {
  const auto stream = [](std::vector<std::pair<std::string, std::string>> texts) {
    return ReadRedReport(ReportBytes({.points = {{.texts = std::move(texts)}}}))
        .families.at(0)
        .points.at(0)
        .stream;
  };
  EXPECT_EQ(stream({{"a", "1"}, {"b", "2"}}), stream({{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(stream({{"a", "1"}, {"b", "2"}}), stream({{"a", "2"}, {"b", "1"}}));
}

TEST(RedPointsTest, OthersMetricsAreNotAsked) {
  EXPECT_EQ(ReadRedReport(ReportBytes({.scope = "otelhttp", .points = {{}}})).points, 0u);
  EXPECT_EQ(ReadRedReport(ReportBytes({.metric = "http.server.request.body.size", .points = {{}}}))
                .points,
            0u);
  const RedReport own = ReadRedReport(ReportBytes({.instrumented = true, .points = {{}, {}}}));
  EXPECT_EQ(own.points, 2u);
  EXPECT_EQ(own.instrumented, 2u);
  EXPECT_TRUE(own.families.empty());
}

TEST(RedPointsTest, WhatIsMalformedIsCounted) {
  const auto malformed = [](const testing::TestPoint& point, std::uint64_t temporality = 2) {
    return ReadRedReport(ReportBytes({.temporality = temporality, .points = {point}})).malformed;
  };
  EXPECT_EQ(malformed({}), 0u);
  EXPECT_EQ(malformed({}, 0), 1u);
  EXPECT_EQ(malformed({.start_ns = 5, .time_ns = 4}), 1u);
  EXPECT_EQ(malformed({.counts = {~std::uint64_t{0}, 2}}), 1u);  // their sum overflows
}

TEST(RedPointsTest, EveryCutEndsAndNothingIsMadeUp) {
  const std::string whole = ReportBytes(
      {.points = {{.counts = {1, 2, 3}}, {.texts = {{"http.route", "/x"}}, .counts = {7}}}});
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const RedReport report = ReadRedReport(std::string_view(whole).substr(0, cut));
    EXPECT_LE(report.families.size(), 1u) << cut;
  }
}

// ExponentialHistogramDataPoint
std::string ExponentialPoint(std::int64_t scale, std::int64_t offset,
                             const std::vector<std::uint64_t>& counts, std::uint64_t zeros) {
  const auto zigzag = [](std::int64_t value) {
    return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
  };
  otlp::Writer out;
  out.Bytes(1, testing::TextAttribute("http.request.method", "GET"));
  out.Fixed64(2, testing::kStartNs);
  out.Fixed64(3, testing::kStartNs + 1);
  std::uint64_t sum = zeros;
  std::string packed;
  for (const std::uint64_t count : counts) {
    sum += count;
    otlp::AppendVarint(packed, count);
  }
  out.Fixed64(4, sum);
  out.Varint(6, zigzag(scale));
  out.Fixed64(7, zeros);
  otlp::Writer buckets;
  buckets.Varint(1, zigzag(offset));
  buckets.Bytes(2, packed);
  out.Bytes(8, buckets.view());
  return out.Take();
}

TEST(RedPointsTest, AnExponentialHistogramKeepsItsCountsAndItsPlaces) {
  // Scale 3: bucket -24 is (2^-3, 2^(-23/8)] s, that is (125, 136.3] ms.
  const RedReport report =
      ReadRedReport(ReportAround({}, {ExponentialPoint(3, -24, {5, 0, 7}, 2)}, 10));
  ASSERT_EQ(report.families.size(), 1u);
  EXPECT_TRUE(report.families[0].exponential);
  const BucketCounts& counts = report.families[0].points.at(0).counts;
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[0], (std::pair<std::uint16_t, std::uint64_t>{0, 2}));
  EXPECT_EQ(counts[1].second, 5u);
  EXPECT_NEAR(rates::Durations::MiddleNs(counts[1].first), 130.5e6, 130.5e6 * 0.02);
  EXPECT_EQ(counts[2].second, 7u);
  EXPECT_NEAR(rates::Durations::MiddleNs(counts[2].first), 155.2e6, 155.2e6 * 0.02);
  for (const auto& [scale, offset] :
       {std::pair<std::int64_t, std::int64_t>{-100, 0}, {21, 0}, {0, std::int64_t{1} << 40}}) {
    EXPECT_EQ(
        ReadRedReport(ReportAround({}, {ExponentialPoint(scale, offset, {1}, 0)}, 10)).malformed,
        1u);
  }
}

TEST(RedPointsTest, ARecordIsReadAsItWasWritten) {
  const TestReport report = {
      .metric = "http.client.request.duration",
      .points = {{.texts = {{"http.request.method", "GET"}, {"server.address", "cart"}},
                  .port = 8080,
                  .counts = {0, 3, 0, 1}},
                 {.overflow = true, .counts = {1}}}};
  const auto families = ReadRedReport(ReportBytes(report)).families;
  const std::string record = EncodeRedRecord(families);
  const auto again = DecodeRedRecord(record);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].bounds, families[0].bounds);
  EXPECT_EQ(again[0].kind, RedKind::kHttpClient);
  ASSERT_EQ(again[0].points.size(), 2u);
  EXPECT_EQ(again[0].points[0].peer, "cart:8080");
  EXPECT_EQ(again[0].points[0].counts, families[0].points[0].counts);
  EXPECT_EQ(again[0].points[1].operation, rates::kOther);
  EXPECT_EQ(EncodeRedRecord(again), record);
  for (std::size_t cut = 0; cut < record.size(); ++cut) {
    EXPECT_TRUE(DecodeRedRecord(std::string_view(record).substr(0, cut)).empty()) << cut;
  }
}

}  // namespace
}  // namespace wirespan::gateway::store::red
