// gRPC on our own HTTP/2 server, beside OTLP/HTTP: what gRPC's own server does for the two-port
// mode is ours to do here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "gateway/ingest/grpc_wire.h"
#include "tests/support/http2_client.h"
#include "tests/unit/gateway/ingest/fixture.h"

namespace wirespan::gateway::testing {
namespace {

using ::testing::HasSubstr;
using Client = wirespan::testing::Http2Client;

std::string Framed(std::string_view message, char compressed = 0) {
  std::string framed(1, compressed);
  for (int shift = 24; shift >= 0; shift -= 8) {
    framed.push_back(static_cast<char>(message.size() >> shift & 0xff));
  }
  return framed.append(message);
}

class OnePortTest : public ReceiverTest {
 protected:
  OnePortTest() : ReceiverTest({.one_port = true, .http2 = true}) {}

  Client::Answer Call(std::string body, Client::Fields more = {},
                      std::string_view type = "application/grpc") {
    Client client(http_->port());
    return client.Exchange("POST", otlp::GrpcMethod(Signal::kTraces), Fields(std::move(more), type),
                           std::move(body));
  }
  static Client::Fields Fields(Client::Fields more, std::string_view type = "application/grpc") {
    more.emplace_back("content-type", type);
    more.emplace_back("te", "trailers");
    return more;
  }
};

TEST_F(OnePortTest, AnswersWithAMessageAndTrailers) {
  const auto answer = Call(Framed(Spans(3)));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("content-type"), "application/grpc");
  EXPECT_EQ(answer.body, Framed(""));
  EXPECT_EQ(answer.trailers, (Client::Fields{{"grpc-status", "0"}}));
  EXPECT_EQ(Count("otelcol_receiver_accepted_spans_total", "grpc"), 3);
  EXPECT_EQ(Call(Framed(Spans(1)), {}, "application/grpc+proto").Trailer("grpc-status"), "0");
}

TEST_F(OnePortTest, TakesEveryCompressionThatGrpcCanName) {
  const std::string request = Spans(3);
  for (const auto& [name, encoding] :
       {std::pair("gzip", otlp::Encoding::kGzip), std::pair("deflate", otlp::Encoding::kDeflate),
        std::pair("zstd", otlp::Encoding::kZstd)}) {
    const auto answer = Call(Framed(Compressed(encoding, request), 1), {{"grpc-encoding", name}});
    EXPECT_EQ(answer.Trailer("grpc-status"), "0") << name;
    const auto received = ground_.Take();
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0].bytes, request);
  }
  // Named, but this message is marked as plain.
  EXPECT_EQ(Call(Framed(request), {{"grpc-encoding", "gzip"}}).Trailer("grpc-status"), "0");
  const auto unknown = Call(Framed(request, 1), {{"grpc-encoding", "snappy"}});
  EXPECT_EQ(unknown.Header("grpc-status"), "12");
  EXPECT_EQ(unknown.Header("grpc-accept-encoding"), "identity,gzip,deflate,zstd");
}

TEST_F(OnePortTest, RefusesWhatIsNotOneMessage) {
  const std::string request = Spans(1);
  const auto code = [&](std::string body, Client::Fields more = {}) {
    const auto answer = Call(std::move(body), std::move(more));
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.Header("grpc-message").empty());
    return answer.Header("grpc-status");
  };
  EXPECT_EQ(code(""), "3");
  EXPECT_EQ(code(Framed(request).substr(0, 20)), "3");
  EXPECT_EQ(code(Framed(request) + Framed(request)), "13");
  EXPECT_EQ(code(Framed(request, 1)), "13");  // compressed, and nobody says how
  EXPECT_EQ(code(Framed(request, 7)), "13");
  EXPECT_EQ(code(Framed("no gzip", 1), {{"grpc-encoding", "gzip"}}), "3");
  EXPECT_EQ(code(Framed(std::string(kLimit + 1, 'a'))), "8");
  EXPECT_EQ(code(std::string("\0\x7f\xff\xff\xff", 5) + "2 GiB"), "8");
  EXPECT_TRUE(ground_.Take().empty());
  EXPECT_EQ(registry_.Value("otelcol_receiver_requests_total",
                            {{"receiver", "otlp"}, {"transport", "grpc"}, {"outcome", "failure"}}),
            8);
}

TEST_F(OnePortTest, AnswersHttpsOwnMistakesInHttpsWords) {
  Client client(http_->port());
  const auto get = client.Exchange("GET", otlp::GrpcMethod(Signal::kTraces), Fields({}), "");
  EXPECT_EQ(get.status, 405);
  const HttpAnswer old = HttpPost(http_->port(), otlp::GrpcMethod(Signal::kTraces),
                                  "application/grpc", Framed(Spans(1)));
  EXPECT_EQ(old.status, 505);
}

TEST_F(OnePortTest, KeepsTheCallsDeadlineAndWithdrawsTheRequest) {
  ground_.HoldAnswers();
  const GrpcAnswer late = GrpcExport("127.0.0.1:" + std::to_string(grpc_port()),
                                     std::string(otlp::GrpcMethod(Signal::kTraces)), Spans(1),
                                     GrpcCompression::kNone, std::chrono::milliseconds(100));
  EXPECT_EQ(late.code, 4);
  // A client that does not look at its clock itself hears it from us.
  const auto answer = Call(Framed(Spans(1)), {{"grpc-timeout", "50m"}});
  EXPECT_EQ(answer.Header("grpc-status"), "4");
  ground_.AnswerHeld();
  // Both were given up, so neither counts as accepted.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (Count("otelcol_receiver_refused_spans_total", "grpc") < 2 &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Count("otelcol_receiver_refused_spans_total", "grpc"), 2);
  EXPECT_EQ(Count("otelcol_receiver_accepted_spans_total", "grpc"), 0);
}

TEST_F(OnePortTest, ServesBothProtocolsOnOneConnection) {
  Client client(http_->port());
  const auto call = client.Begin("POST", otlp::GrpcMethod(Signal::kLogs), Fields({}),
                                 Framed(RequestOf(Signal::kLogs, 2)));
  const auto post =
      client.Begin("POST", "/v1/traces", {{"content-type", "application/x-protobuf"}}, Spans(3));
  const auto json =
      client.Begin("POST", "/v1/traces", {{"content-type", "application/json"}}, SpanJson());
  EXPECT_TRUE(client.RunUntil([&] {
    return client.answer(call).closed && client.answer(post).closed && client.answer(json).closed;
  }));
  EXPECT_EQ(client.answer(call).Trailer("grpc-status"), "0");
  EXPECT_EQ(client.answer(post).status, 200);
  EXPECT_EQ(client.answer(json).body, "{}");
  EXPECT_EQ(Count("otelcol_receiver_accepted_log_records_total", "grpc"), 2);
  EXPECT_EQ(Count("otelcol_receiver_accepted_spans_total", "http"), 4);
}

TEST(GrpcWireTest, ReadsTimeouts) {
  using std::chrono::nanoseconds;
  EXPECT_EQ(ReadGrpcTimeout("10S"), std::chrono::seconds(10));
  EXPECT_EQ(ReadGrpcTimeout("99999999u"), std::chrono::microseconds(99999999));
  EXPECT_EQ(ReadGrpcTimeout("0n"), nanoseconds(0));
  EXPECT_EQ(ReadGrpcTimeout("1M"), std::chrono::minutes(1));
  EXPECT_GT(ReadGrpcTimeout("99999999H"), std::chrono::hours(8000));
  for (const char* bad : {"", "S", "10", "10s", "-1S", "999999999S", "1 S"}) {
    EXPECT_EQ(ReadGrpcTimeout(bad), std::nullopt) << bad;
  }
}

TEST(GrpcWireTest, EncodesMessages) {
  EXPECT_EQ(EncodeGrpcMessage("100% \xc3\xa4\n"), "100%25 %C3%A4%0A");
}

TEST(GrpcWireTest, KnowsGrpcsContentTypes) {
  EXPECT_TRUE(IsGrpc("application/grpc"));
  EXPECT_TRUE(IsGrpc("Application/gRPC+proto; x=y"));
  EXPECT_FALSE(IsGrpc("application/grpc-web"));
  EXPECT_FALSE(IsGrpc("application/json"));
}

}  // namespace
}  // namespace wirespan::gateway::testing
