// The jaeger exporter against a server that takes what it sends; its model is in models_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "common/otlp/response.h"
#include "common/otlp/wire.h"
#include "gateway/sink/grpc_sender.h"
#include "gateway/sink/nop_sender.h"
#include "tests/support/otlp_server.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway {
namespace {

using ::testing::HasSubstr;
using testing::Spans;
using wirespan::testing::OtlpReply;
using wirespan::testing::OtlpRequest;
using wirespan::testing::OtlpServer;

Outcome Send(Sender& sender, std::string bytes, std::uint64_t items) {
  std::promise<Outcome> answered;
  auto answer = answered.get_future();
  sender.Send({.items = items, .bytes = Bytes(std::move(bytes))},
              [&](Outcome outcome) { answered.set_value(std::move(outcome)); });
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  return answer.get();
}

std::unique_ptr<Sender> JaegerTo(std::uint16_t port) {
  JaegerOptions options;
  options.client.endpoint = "127.0.0.1:" + std::to_string(port);
  options.client.tls.insecure = true;
  options.client.timeout = std::chrono::seconds(20);
  auto sender = CreateJaegerSender(options);
  EXPECT_TRUE(sender) << sender.error().message;
  return std::move(*sender);
}

// PostSpansRequest {batch: {spans, process}}: api_v2's field numbers.
std::size_t SpansOfBatches(std::string_view request) {
  std::size_t spans = 0;
  otlp::Reader top(request);
  for (otlp::Field batch; top.Next(batch);) {
    otlp::Reader inside(batch.bytes);
    for (otlp::Field field; batch.number == 1 && inside.Next(field);) spans += field.number == 1;
  }
  return spans;
}

TEST(JaegerSenderTest, PostsSpansToJaegersOwnService) {
  auto server = OtlpServer::Start({.kind = OtlpServer::Kind::kGrpc});
  auto sender = JaegerTo(server->port());
  EXPECT_TRUE(Send(*sender, Spans(3, "checkout"), 3).ok());
  const auto requests = server->requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].path, "/jaeger.api_v2.CollectorService/PostSpans");
  EXPECT_EQ(SpansOfBatches(requests[0].body), 3u);
  EXPECT_THAT(requests[0].body, HasSubstr("checkout"));
}

TEST(JaegerSenderTest, TellsWhatMayBeTriedAgain) {
  auto server =
      OtlpServer::Start({.kind = OtlpServer::Kind::kGrpc}, [](const OtlpRequest&, std::size_t n) {
        return OtlpReply{.code = n == 0 ? 14 : 3, .message = n == 0 ? "busy" : "no such thing"};
      });
  auto sender = JaegerTo(server->port());
  const Outcome busy = Send(*sender, Spans(1), 1);
  EXPECT_TRUE(busy.retryable);
  EXPECT_THAT(busy.message, HasSubstr("busy"));
  const Outcome refused = Send(*sender, Spans(1), 1);
  EXPECT_FALSE(refused.ok());
  EXPECT_FALSE(refused.retryable);
}

TEST(NopSenderTest, TakesEverythingAtOnce) {
  auto sender = CreateNopSender();
  EXPECT_TRUE(Send(*sender, Spans(1), 1).ok());
  EXPECT_TRUE(Send(*sender, "not even protobuf", 7).ok());
}

}  // namespace
}  // namespace wirespan::gateway
