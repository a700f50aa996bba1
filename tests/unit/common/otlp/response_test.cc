#include "common/otlp/response.h"

#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <nlohmann/json.hpp>

#include "common/otlp/status.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

using namespace std::chrono_literals;
using TraceResponse = opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;

TEST(GrpcReasonTest, SaysWhatACheckOfNamesMeans) {
  EXPECT_EQ(GrpcReason("Connection refused"), "Connection refused");
  EXPECT_EQ(GrpcReason("Hostname Verification Check failed."),
            "the server's certificate names another host: Hostname Verification Check failed.");
}

TEST(ResponseTest, SuccessIsNoBytesAtAll) {
  EXPECT_EQ(EncodeResponse({}), "");
  EXPECT_EQ(ResponseToJson({}, Signal::kTraces), "{}");
  PartialSuccess partial{3, "old"};
  EXPECT_TRUE(DecodeResponse("", partial));
  EXPECT_FALSE(partial.populated());
}

TEST(ResponseTest, PartialSuccessReadsAsOtlpDefinesIt) {
  const std::string bytes = EncodeResponse({3, "three spans had no id"});
  TraceResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  EXPECT_EQ(response.partial_success().rejected_spans(), 3);
  EXPECT_EQ(response.partial_success().error_message(), "three spans had no id");
  PartialSuccess back;
  ASSERT_TRUE(DecodeResponse(bytes, back));
  EXPECT_EQ(back.rejected, 3);
  EXPECT_EQ(back.message, "three spans had no id");
  EXPECT_FALSE(DecodeResponse(std::string_view(bytes).substr(0, 5), back));
}

TEST(ResponseTest, AWarningHasAMessageAndNoCount) {
  PartialSuccess back;
  ASSERT_TRUE(DecodeResponse(EncodeResponse({0, "deprecated"}), back));
  EXPECT_EQ(back.rejected, 0);
  EXPECT_TRUE(back.populated());
  EXPECT_EQ(ResponseToJson({0, "deprecated"}, Signal::kLogs),
            R"({"partialSuccess":{"errorMessage":"deprecated"}})");
  EXPECT_EQ(ResponseToJson({2, "x\"y"}, Signal::kMetrics),
            R"({"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"x\"y"}})");
}

TEST(ResponseTest, JsonReadsBackAsItWasWritten) {
  for (const Signal signal : {Signal::kTraces, Signal::kMetrics, Signal::kLogs}) {
    PartialSuccess read;
    EXPECT_TRUE(
        DecodeResponseJson(ResponseToJson({.rejected = 7, .message = "a \"b\""}, signal), read));
    EXPECT_EQ(read.rejected, 7);
    EXPECT_EQ(read.message, "a \"b\"");
    read = {};
    EXPECT_TRUE(DecodeResponseJson(ResponseToJson({}, signal), read));
    EXPECT_FALSE(read.populated());
  }
}

TEST(ResponseTest, JsonOfOthersIsReadAndMalformedOneIsNot) {
  const auto rejected = [](std::string_view json) {
    PartialSuccess read{.rejected = -1};
    return DecodeResponseJson(json, read) ? read.rejected : -2;
  };
  EXPECT_EQ(rejected(R"( { "partialSuccess" : { "rejectedSpans" : 3 , "new": [{}] } } )"), 3);
  EXPECT_EQ(rejected(R"({"other":{"a":[1]},"partialSuccess":{"rejectedLogRecords":"4"}})"), 4);
  EXPECT_EQ(rejected(R"({"partialSuccess":null})"), 0);
  EXPECT_EQ(rejected(R"({"partialSuccess":{"rejectedSpans":null,"errorMessage":null}})"), 0);
  const std::string whole = R"({"partialSuccess":{"rejectedSpans":"5","errorMessage":"x"}})";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_EQ(rejected(whole.substr(0, cut)), -2) << cut;
  }
  for (const char* malformed : {"[]", "{} x", R"({"partialSuccess":{"rejectedSpans":-1}})",
                                R"({"partialSuccess":{"rejectedSpans":1.5}})",
                                R"({"partialSuccess":{"rejectedSpans":"9223372036854775808"}})"}) {
    EXPECT_EQ(rejected(malformed), -2) << malformed;
  }
}

TEST(ResponseTest, ALongMessageIsShortenedAndTheCountStays) {
  std::string text;
  while (text.size() < 5000) text += "\xc3\xa4";
  const std::string bytes = EncodeResponse({7, text}, 1001);
  EXPECT_LE(bytes.size(), 1001u);
  TraceResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  EXPECT_EQ(response.partial_success().rejected_spans(), 7);
}

TEST(ResponseTest, StatusCarriesRetryInfoAndFieldViolations) {
  RpcStatus status{14, "full", 2500ms, {{"resource_spans", "cut"}, {"b", "c"}}};
  RpcStatus back;
  ASSERT_TRUE(DecodeStatus(EncodeStatus(status), back));
  EXPECT_EQ(back.code, 14);
  EXPECT_EQ(back.message, "full");
  EXPECT_EQ(back.retry_delay, 2500ms);
  ASSERT_EQ(back.violations.size(), 2u);
  EXPECT_EQ(back.violations[0].field, "resource_spans");
  EXPECT_EQ(back.violations[1].description, "c");

  const auto json = nlohmann::json::parse(StatusToJson(status));
  EXPECT_EQ(json["code"], 14);
  EXPECT_EQ(json["details"][0]["retryDelay"], "2.500s");
  EXPECT_EQ(json["details"][1]["fieldViolations"][1]["field"], "b");
}

TEST(ResponseTest, AHostileRetryDelayIsBounded) {
  for (const std::uint64_t seconds : {std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    std::string duration, info, any, bytes;
    AppendVarintField(duration, 1, seconds);
    AppendVarintField(duration, 2, ~std::uint64_t{0});
    AppendBytesField(info, 1, duration);
    AppendBytesField(any, 1, "type.googleapis.com/google.rpc.RetryInfo");
    AppendBytesField(any, 2, info);
    AppendBytesField(bytes, 3, any);
    RpcStatus status;
    ASSERT_TRUE(DecodeStatus(bytes, status));
    ASSERT_TRUE(status.retry_delay.has_value());
    EXPECT_GE(*status.retry_delay, 0ms);
    EXPECT_LE(*status.retry_delay, std::chrono::hours(24 * 365 + 1));
  }
}

TEST(StatusTest, RetryTablesAreOtlps) {
  for (int code = 0; code <= 17; ++code) {
    const bool always =
        code == 1 || code == 4 || code == 10 || code == 11 || code == 14 || code == 15;
    EXPECT_EQ(GrpcRetryable(code, false), always) << GrpcCodeName(code);
    EXPECT_EQ(GrpcRetryable(code, true), always || code == 8) << GrpcCodeName(code);
  }
  for (int status = 100; status < 600; ++status) {
    EXPECT_EQ(HttpRetryable(status),
              status == 429 || status == 502 || status == 503 || status == 504)
        << status;
  }
  EXPECT_EQ(GrpcCodeName(14), "UNAVAILABLE");
  EXPECT_EQ(HttpFromGrpc(14), 503);
  EXPECT_EQ(HttpFromGrpc(3), 400);
  EXPECT_EQ(GrpcFromHttp(503), 14);
}

}  // namespace
}  // namespace wirespan::otlp
