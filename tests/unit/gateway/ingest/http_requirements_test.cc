// The server requirements of OTLP over HTTP (H1 to H18), named by their ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "common/otlp/json.h"
#include "tests/unit/gateway/ingest/fixture.h"

namespace wirespan::gateway::testing {
namespace {

using ::testing::HasSubstr;

class OtlpHttpServerTest : public ReceiverTest, public ::testing::WithParamInterface<Way> {
 protected:
  OtlpHttpServerTest() : ReceiverTest(GetParam()) {}

  // The JSON that a JSON request has become, to look into.
  std::string Delivered(std::string_view json) {
    const HttpAnswer answer = Json(json);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto received = ground_.Take();
    if (received.size() != 1) return "nothing delivered";
    return otlp::RequestToJson(Signal::kTraces, received[0].bytes).value_or("not readable");
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, OtlpHttpServerTest,
                         ::testing::Values(Way{}, Way{.http2 = true},
                                           Way{.one_port = true, .http2 = true},
                                           Way{.one_port = true}));

TEST_P(OtlpHttpServerTest, H1AnswersInTheEncodingOfTheRequest) {
  EXPECT_EQ(Proto(Spans(1)).Header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(Json(SpanJson()).Header("Content-Type"), "application/json");
  EXPECT_EQ(Proto("\x0a").Header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(Json("{").Header("Content-Type"), "application/json");
  EXPECT_EQ(Post("/v1/traces", "Application/JSON; charset=utf-8", SpanJson()).status, 200);
}

TEST_P(OtlpHttpServerTest, H2TakesEnumsAsNumbersOnly) {
  EXPECT_EQ(Json(SpanJson(R"(,"kind":"SPAN_KIND_SERVER")")).status, 400);
  EXPECT_THAT(Delivered(SpanJson(R"(,"kind":2)")), HasSubstr(R"("kind":2)"));
}

TEST_P(OtlpHttpServerTest, H3IgnoresUnknownMembers) {
  const std::string plain = Delivered(SpanJson());
  EXPECT_EQ(Delivered(SpanJson(R"(,"novelty":{"a":[1,{"b":null}]},"other":[[]])")), plain);
}

TEST_P(OtlpHttpServerTest, H4TakesIdsAsHexInAnyCase) {
  const std::string lower = Delivered(SpanJson("", "abababababababababababababababab"));
  EXPECT_EQ(Delivered(SpanJson("", "ABABABABABABABABABABABABABABABAB")), lower);
  EXPECT_EQ(Delivered(SpanJson("", "aBABabABabABabABabABabABabABabAB")), lower);
  EXPECT_EQ(Json(SpanJson("", "GhoaGhoaGhoaGhoaGhoaGg==")).status, 400);
}

TEST_P(OtlpHttpServerTest, H5TakesLowerCamelCaseOnly) {
  EXPECT_THAT(Delivered(SpanJson(R"(,"dropped_attributes_count":5)")),
              ::testing::Not(HasSubstr("roppedAttributesCount")));
  EXPECT_THAT(Delivered(SpanJson(R"(,"droppedAttributesCount":5)")),
              HasSubstr(R"("droppedAttributesCount":5)"));
}

TEST_P(OtlpHttpServerTest, H6TakesLongIntegersAsTextOrNumber) {
  EXPECT_THAT(Delivered(SpanJson(R"(,"startTimeUnixNano":123)")),
              HasSubstr(R"("startTimeUnixNano":"123")"));
  EXPECT_THAT(Delivered(SpanJson(R"(,"startTimeUnixNano":"9223372036854775809")")),
              HasSubstr(R"("startTimeUnixNano":"9223372036854775809")"));
}

TEST_P(OtlpHttpServerTest, H7TooLargeIs413HoweverItComes) {
  const std::string large = Spans(1, std::string(kLimit * 2, 'a'));
  EXPECT_EQ(Proto(large).status, 413);
  EXPECT_EQ(Proto(Compressed(otlp::Encoding::kGzip, large), {"Content-Encoding: gzip"}).status,
            413);
  std::string chunks;
  for (int i = 0; i < 5; ++i) chunks += "10000\r\n" + std::string(0x10000, 'a') + "\r\n";
  chunks += "0\r\n\r\n";
  EXPECT_EQ(Proto(chunks, {"Transfer-Encoding: chunked"}).status, 413);
  EXPECT_TRUE(ground_.Take().empty());
}

TEST_P(OtlpHttpServerTest, H8SuccessIs200WithAnEmptyResponse) {
  const HttpAnswer proto = Proto(Spans(1));
  EXPECT_EQ(proto.status, 200);
  EXPECT_EQ(proto.body, "");
  const HttpAnswer json = Json(SpanJson());
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.body, "{}");
}

TEST_P(OtlpHttpServerTest, H9PartialSuccessIs200WithTheCount) {
  const HttpAnswer answer = Proto(Wrap(Nest(2, Span("good")) + Nest(2, Span("bad", 15))));
  EXPECT_EQ(answer.status, 200);
  otlp::PartialSuccess partial;
  ASSERT_TRUE(otlp::DecodeResponse(answer.body, partial));
  EXPECT_EQ(partial.rejected, 1);
  const HttpAnswer json = Json(SpanJson("", "abab"));
  EXPECT_EQ(json.status, 200);
  EXPECT_THAT(json.body, HasSubstr("rejectedSpans"));
}

TEST_P(OtlpHttpServerTest, H10EveryFailureHasAStatusAsItsBody) {
  struct Case {
    HttpAnswer answer;
    int status;
  };
  const std::string large = Spans(1, std::string(kLimit * 2, 'a'));
  const std::string bomb = Compressed(otlp::Encoding::kGzip, large);
  std::vector<Case> cases = {
      {Proto("\x0a"), 400},
      {Proto(Spans(1), {}, "/v1/nothing"), 404},
      {Send("GET", "/v1/traces", {"Content-Type: application/x-protobuf"}, ""), 405},
      {Proto(bomb, {"Content-Encoding: gzip"}), 413},
      {Proto(large), 413},
      {Proto(Spans(1), {"Content-Encoding: br"}), 415},
  };
  ground_.AnswerWith(Outcome::Retry("full", std::chrono::milliseconds(1500)));
  cases.push_back({Proto(Spans(1)), 503});
  ground_.AnswerWith(
      {.code = StatusCode::kResourceExhausted, .retryable = true, .message = "slow down"});
  cases.push_back({Proto(Spans(1)), 429});
  ground_.AnswerWith(Outcome::Reject(StatusCode::kInternal, "broken"));
  cases.push_back({Proto(Spans(1)), 500});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.status);
    EXPECT_EQ(c.answer.status, c.status);
    EXPECT_EQ(c.answer.Header("Content-Type"), "application/x-protobuf");
    const otlp::RpcStatus status = StatusIn(c.answer.body);
    EXPECT_NE(status.code, 0);
    EXPECT_FALSE(status.message.empty());  // H11
  }
  EXPECT_EQ(cases[6].answer.Header("Retry-After"), "2");  // H13, rounded up
  EXPECT_EQ(Post("/v1/traces", "text/plain", "x").status, 415);
}

TEST_P(OtlpHttpServerTest, H12UndecodableIs400WithBadRequest) {
  for (const std::string& garbage : {std::string("\x0a"), std::string(100, '\xff'),
                                     std::string("\x0a\x05hello!!"), std::string("{}")}) {
    const HttpAnswer answer = Proto(garbage);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(StatusIn(answer.body).violations.size(), 1u);
  }
  for (const char* garbage :
       {"", "{", "[]", "{\"resourceSpans\":{}}", "nul", "\xff\xfe", "{\"resourceSpans\":[{]}"}) {
    EXPECT_EQ(Json(garbage).status, 400) << garbage;
  }
  EXPECT_EQ(Json(std::string(100000, '[')).status, 400);
  EXPECT_EQ(Proto("not gzip", {"Content-Encoding: gzip"}).status, 400);
}

TEST_P(OtlpHttpServerTest, AnswersLateWhenThePipelineDoes) {
  ground_.HoldAnswers();
  auto answer = std::async(std::launch::async, [&] { return Proto(Spans(1)); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (ground_.held() == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  ground_.AnswerHeld();
  EXPECT_EQ(answer.get().status, 200);
}

TEST_P(OtlpHttpServerTest, H14ALongMessageIsShortenedAndTheCountStays) {
  Outcome partial;
  partial.rejected_items = 2;
  partial.message = std::string(5 << 20, 'm');
  ground_.AnswerWith(partial);
  const HttpAnswer answer = Proto(Spans(3));
  EXPECT_EQ(answer.status, 200);
  EXPECT_LE(answer.body.size(), 4u << 20);
  otlp::PartialSuccess read;
  ASSERT_TRUE(otlp::DecodeResponse(answer.body, read));
  EXPECT_EQ(read.rejected, 2);
  EXPECT_FALSE(read.message.empty());
  const HttpAnswer json = Json(SpanJson());
  EXPECT_EQ(json.status, 200);
  EXPECT_LE(json.body.size(), 4u << 20);
  EXPECT_THAT(json.body, HasSubstr("rejectedSpans"));
  ground_.AnswerWith(Outcome::Reject(StatusCode::kInternal, std::string(5 << 20, 'm')));
  const HttpAnswer failure = Proto(Spans(3));
  EXPECT_EQ(failure.status, 500);
  EXPECT_LE(failure.body.size(), 4u << 20);
}

TEST_P(OtlpHttpServerTest, H18PathsAreTheConfigurations) {
  auto moved = StartHttpReceiver(
      {.endpoint = "127.0.0.1:0", .traces_path = "/in/traces", .metrics_path = "/in"},
      std::make_unique<Door>("otlp", "http",
                             Door::Pipelines{.by_signal = {&ground_, &ground_, &ground_, &ground_}},
                             budget_, registry_));
  ASSERT_TRUE(moved) << moved.error().message;
  const auto post = [&](std::string_view path, std::string_view body) {
    return HttpSend((*moved)->port(), "POST", path, {"Content-Type: application/x-protobuf"}, body)
        .status;
  };
  EXPECT_EQ(post("/in/traces", Spans(1)), 200);
  EXPECT_EQ(post("/in", Points(1)), 200);
  EXPECT_EQ(post("/v1/logs", Records(1)), 200);
  EXPECT_EQ(post("/v1/traces", Spans(1)), 404);
  EXPECT_EQ(ground_.Take().size(), 3u);
}

TEST_P(OtlpHttpServerTest, H15ResponsesAreNeverCompressed) {
  const HttpAnswer answer = Proto(Spans(1), {"Accept-Encoding: gzip"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("Content-Encoding"), "");
}

TEST_P(OtlpHttpServerTest, H16BothEncodingsShareAPort) {
  EXPECT_EQ(Proto(Spans(1)).status, 200);
  EXPECT_EQ(Json(SpanJson()).status, 200);
  EXPECT_EQ(ground_.Take().size(), 2u);
}

TEST_P(OtlpHttpServerTest, H17OtherMethodsAre405WithAllow) {
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    const HttpAnswer answer = Send(method, "/v1/traces", {}, "");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.Header("Allow"), "POST");
  }
}

TEST_P(OtlpHttpServerTest, H18AcceptsATrailingSlash) {
  EXPECT_EQ(Proto(Spans(1), {}, "/v1/traces/").status, 200);
}

}  // namespace
}  // namespace wirespan::gateway::testing
