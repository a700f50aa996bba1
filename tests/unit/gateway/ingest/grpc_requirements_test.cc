// The server requirements of OTLP that gRPC and HTTP share (S1 to S15), named by their ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/ingest/fixture.h"

namespace wirespan::gateway::testing {
namespace {

using ::testing::HasSubstr;

class OtlpServerTest : public ReceiverTest, public ::testing::WithParamInterface<Way> {
 protected:
  OtlpServerTest() : ReceiverTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Ways, OtlpServerTest,
                         ::testing::Values(Way{}, Way{.one_port = true, .http2 = true}));

TEST_P(OtlpServerTest, S1AcceptsNoneAndGzipEverywhereAndDeliversTheSameBytes) {
  const std::string request = Spans(3);
  const std::string gzip = Compressed(otlp::Encoding::kGzip, request);
  EXPECT_EQ(Grpc(request).code, 0);
  EXPECT_EQ(Grpc(request, GrpcCompression::kGzip).code, 0);
  EXPECT_EQ(Grpc(request, GrpcCompression::kDeflate).code, 0);
  EXPECT_EQ(Proto(request).status, 200);
  EXPECT_EQ(Proto(gzip, {"Content-Encoding: gzip"}).status, 200);
  EXPECT_EQ(Proto(Compressed(otlp::Encoding::kZstd, request), {"Content-Encoding: zstd"}).status,
            200);
  EXPECT_EQ(
      Proto(Compressed(otlp::Encoding::kDeflate, request), {"Content-Encoding: deflate"}).status,
      200);
  const auto received = ground_.Take();
  ASSERT_EQ(received.size(), 7u);
  for (const auto& batch : received) {
    EXPECT_EQ(batch.bytes, request);
    EXPECT_EQ(batch.items, 3u);
  }
  EXPECT_EQ(Json(SpanJson()).status, 200);
  EXPECT_EQ(Json(Compressed(otlp::Encoding::kGzip, SpanJson()), {"Content-Encoding: gzip"}).status,
            200);
  const auto json = ground_.Take();
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0].bytes, json[1].bytes);
  EXPECT_EQ(json[0].items, 1u);
}

TEST_P(OtlpServerTest, S2RefusesAGzipBomb) {
  const std::string bomb = Compressed(otlp::Encoding::kGzip, Spans(1, std::string(65 << 20, 'a')));
  ASSERT_LT(bomb.size(), kLimit * 2);
  const std::string small = Compressed(otlp::Encoding::kGzip, Spans(1, std::string(4 << 20, 'a')));
  ASSERT_LT(small.size(), kLimit);
  EXPECT_EQ(Grpc(Spans(1, std::string(4 << 20, 'a')), GrpcCompression::kGzip).code, 8);
  EXPECT_EQ(Proto(bomb, {"Content-Encoding: gzip"}).status, 413);
  EXPECT_EQ(Proto(small, {"Content-Encoding: gzip"}).status, 413);
  EXPECT_TRUE(ground_.Take().empty());
}

TEST_P(OtlpServerTest, S3KeepsTheConfiguredLimit) {
  EXPECT_EQ(Grpc(Spans(1, std::string(kLimit - 1000, 'a'))).code, 0);
  EXPECT_EQ(Grpc(Spans(1, std::string(kLimit + 1000, 'a'))).code, 8);
  EXPECT_EQ(Proto(Spans(1, std::string(kLimit - 1000, 'a'))).status, 200);
  EXPECT_EQ(Proto(Spans(1, std::string(kLimit + 1000, 'a'))).status, 413);
}

TEST_P(OtlpServerTest, S4SaysTooLargeWithoutRetryInfo) {
  for (const GrpcCompression compression : {GrpcCompression::kNone, GrpcCompression::kGzip}) {
    const GrpcAnswer answer = Grpc(Spans(1, std::string(kLimit * 2, 'a')), compression);
    EXPECT_EQ(answer.code, 8);
    EXPECT_FALSE(StatusIn(answer.details).retry_delay.has_value());
  }
}

TEST_P(OtlpServerTest, S5AnswersEachSignalWithItsResponse) {
  for (const Signal signal : kSignals) {
    const GrpcAnswer answer = Grpc(RequestOf(signal, 2), GrpcCompression::kNone, signal);
    EXPECT_EQ(answer.code, 0);
    otlp::PartialSuccess partial;
    EXPECT_TRUE(otlp::DecodeResponse(answer.response, partial));
    EXPECT_EQ(Proto(RequestOf(signal, 2), {}, otlp::HttpPath(signal)).status, 200);
    const auto received = ground_.Take();
    ASSERT_EQ(received.size(), 2u);
    EXPECT_EQ(received[0].signal, signal);
    EXPECT_EQ(received[0].items, 2u);
    EXPECT_EQ(received[1].bytes, received[0].bytes);
  }
  EXPECT_EQ(Count("otelcol_receiver_accepted_spans_total", "grpc"), 2);
  EXPECT_EQ(Count("otelcol_receiver_accepted_metric_points_total", "http"), 2);
  EXPECT_EQ(Count("otelcol_receiver_accepted_log_records_total", "grpc"), 2);
}

TEST_P(OtlpServerTest, S6ALongMessageIsShortenedAndTheCountStays) {
  Outcome partial;
  partial.rejected_items = 2;
  partial.message = std::string(5 << 20, 'm');
  ground_.AnswerWith(partial);
  const GrpcAnswer answer = Grpc(Spans(3));
  EXPECT_EQ(answer.code, 0);
  EXPECT_LE(answer.response.size(), 4u << 20);
  otlp::PartialSuccess read;
  ASSERT_TRUE(otlp::DecodeResponse(answer.response, read));
  EXPECT_EQ(read.rejected, 2);
  EXPECT_FALSE(read.message.empty());
}

TEST_P(OtlpServerTest, S10AWarningHasAMessageAndNoCount) {
  Outcome warning;
  warning.message = "the next hop is about to be replaced";
  ground_.AnswerWith(warning);
  for (const std::string& response : {Grpc(Spans(1)).response, Proto(Spans(1)).body}) {
    otlp::PartialSuccess read;
    ASSERT_TRUE(otlp::DecodeResponse(response, read));
    EXPECT_EQ(read.rejected, 0);
    EXPECT_EQ(read.message, warning.message);
  }
}

TEST_P(OtlpServerTest, S6ALongRefusalReachesItsSender) {
  // It travels in header lists, which clients bound at 8 KiB; every byte may take three there.
  std::string message;
  for (int i = 0; i < (1 << 20); ++i) message += "\xc3\xa4";
  for (const StatusCode code : {StatusCode::kInvalidArgument, StatusCode::kInternal}) {
    ground_.AnswerWith(Outcome::Reject(code, message));
    const GrpcAnswer answer = Grpc(Spans(1));
    EXPECT_EQ(answer.code, static_cast<int>(code));
    EXPECT_THAT(StatusIn(answer.details).message, ::testing::StartsWith("\xc3\xa4\xc3\xa4"));
  }
}

TEST_P(OtlpServerTest, S7EmptyRequestsSucceed) {
  EXPECT_EQ(Grpc("").code, 0);
  EXPECT_EQ(Grpc(Wrap("")).code, 0);
  EXPECT_EQ(Proto("").status, 200);
  EXPECT_EQ(Json("{}").status, 200);
  EXPECT_TRUE(ground_.Take().empty());
}

TEST_P(OtlpServerTest, S8FullSuccessIsAnEmptyMessage) {
  EXPECT_EQ(Grpc(Spans(1)).response, "");
  EXPECT_EQ(Proto(Spans(1)).body, "");
  EXPECT_EQ(Json(SpanJson()).body, "{}");
}

TEST_P(OtlpServerTest, S9RejectsBadIdsAndDeliversTheRest) {
  std::string items;
  for (int i = 0; i < 7; ++i) items += Nest(2, Span("good"));
  for (int i = 0; i < 3; ++i) items += Nest(2, Span("bad", 15));
  const GrpcAnswer answer = Grpc(Wrap(items));
  EXPECT_EQ(answer.code, 0);
  otlp::PartialSuccess partial;
  ASSERT_TRUE(otlp::DecodeResponse(answer.response, partial));
  EXPECT_EQ(partial.rejected, 3);
  EXPECT_THAT(partial.message, HasSubstr("16 bytes"));
  const auto received = ground_.Take();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].items, 7u);
  EXPECT_EQ(Count("otelcol_receiver_accepted_spans_total", "grpc"), 7);
  EXPECT_EQ(registry_.Value("wirespan_receiver_dropped_items_total", {{"receiver", "otlp"},
                                                                      {"transport", "grpc"},
                                                                      {"data_type", "traces"},
                                                                      {"reason", "invalid_id"}}),
            3);
}

TEST_P(OtlpServerTest, S11OverloadIsUnavailableWithRetryInfo) {
  ground_.AnswerWith(Outcome::Retry("the queue is full", std::chrono::milliseconds(5000)));
  const GrpcAnswer answer = Grpc(Spans(4));
  EXPECT_EQ(answer.code, 14);
  const otlp::RpcStatus status = StatusIn(answer.details);
  EXPECT_EQ(status.code, 14);
  EXPECT_EQ(status.retry_delay, std::chrono::milliseconds(5000));
  EXPECT_EQ(Count("otelcol_receiver_refused_spans_total", "grpc"), 4);
  EXPECT_EQ(Count("otelcol_receiver_accepted_spans_total", "grpc"), 0);
}

TEST_P(OtlpServerTest, S12UndecodableIsInvalidArgumentWithBadRequest) {
  std::string truncated = Spans(2);
  truncated.resize(truncated.size() - 5);
  const GrpcAnswer answer = Grpc(truncated);
  EXPECT_EQ(answer.code, 3);
  const otlp::RpcStatus status = StatusIn(answer.details);
  ASSERT_EQ(status.violations.size(), 1u);
  EXPECT_FALSE(status.violations[0].description.empty());
  EXPECT_TRUE(ground_.Take().empty());
}

TEST_P(OtlpServerTest, S13MemoryLimitIsSignalledAndLetsGoAfterwards) {
  const auto all = budget_->Lease(budget_->limit_bytes());
  ASSERT_TRUE(all);
  const GrpcAnswer answer = Grpc(Spans(1));
  EXPECT_EQ(answer.code, 14);
  EXPECT_GT(StatusIn(answer.details).retry_delay, std::chrono::milliseconds(0));
  const HttpAnswer http = Proto(Spans(1));
  EXPECT_EQ(http.status, 503);
  EXPECT_GE(std::atoi(http.Header("Retry-After").c_str()), 1);
}

TEST_P(OtlpServerTest, S14UnknownFieldsAreKeptByteForByte) {
  const std::string unknown = Nest(1000, "from the future");
  const std::string request = Wrap(Nest(2, Span("GET /", 16, unknown)) + unknown) + unknown;
  EXPECT_EQ(Grpc(request).code, 0);
  const auto received = ground_.Take();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].bytes, request);
}

TEST_P(OtlpServerTest, S15EveryKindOfValueIsAcceptedAndDepthIsBounded) {
  const std::string text = Nest(1, "x");
  std::string boolean;
  otlp::AppendVarintField(boolean, 2, 1);
  const std::string array = Nest(5, Nest(1, text) + Nest(1, boolean) + Nest(1, ""));
  const std::string map = Nest(6, Nest(1, Attribute("k", array)));
  std::string attributes;
  for (const std::string& value : {std::string(), text, boolean, array, map, Nest(7, "\x00\x01")}) {
    attributes += Nest(9, Attribute("key", value));
  }
  const std::string request = Wrap(Nest(2, Span("GET /", 16, attributes)));
  EXPECT_EQ(Grpc(request).code, 0);
  EXPECT_EQ(ground_.Take().size(), 1u);

  std::string deep = text;
  for (int i = 0; i < 5000; ++i) deep = Nest(5, Nest(1, deep));
  EXPECT_EQ(Grpc(Wrap(Nest(2, Span("GET /", 16, Nest(9, Attribute("deep", deep)))))).code, 3);
}

TEST_P(OtlpServerTest, AnUnknownMethodIsUnimplemented) {
  const GrpcAnswer answer =
      GrpcExport("127.0.0.1:" + std::to_string(grpc_port()), "/grpc.health.v1.Health/Check", "");
  EXPECT_EQ(answer.code, 12);
}

TEST_P(OtlpServerTest, APortInUseIsOneSentence) {
  const std::string endpoint = "127.0.0.1:" + std::to_string(grpc_port());
  auto second = StartGrpcReceiver(
      {.endpoint = endpoint},
      std::make_unique<Door>("otlp/2", "grpc", Door::Pipelines{}, budget_, registry_));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "listen on " + endpoint + ": Address already in use");
}

}  // namespace
}  // namespace wirespan::gateway::testing
