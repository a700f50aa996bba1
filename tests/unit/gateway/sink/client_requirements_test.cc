// OTLP's requirements of a client (C1 to C20) for the gateway's exporters, each against a scripted
// backend. The table is in docs/gateway.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <future>

#include "common/otlp/compress.h"
#include "common/otlp/response.h"
#include "common/otlp/status.h"
#include "gateway/sink/grpc_sender.h"
#include "gateway/sink/http_sender.h"
#include "gateway/sink/queued_exporter.h"
#include "tests/support/otlp_server.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::Spans;
using wirespan::testing::OtlpReply;
using wirespan::testing::OtlpRequest;
using wirespan::testing::OtlpServer;

class ClientTest : public ::testing::Test {
 protected:
  void Backend(OtlpServer::Kind kind, OtlpServer::Script script = nullptr) {
    kind_ = kind;
    server_ = OtlpServer::Start({.kind = kind}, std::move(script));
    Connect(server_->port());
  }

  // An exporter that waits for the result and tries again soon, unless told otherwise.
  void Connect(std::uint16_t port, QueueOptions queue = {.patience = seconds(60)},
               RetryOptions retry = {.initial_interval = milliseconds(1),
                                     .max_interval = milliseconds(4)}) {
    const std::string address = "127.0.0.1:" + std::to_string(port);
    Result<std::unique_ptr<Sender>> sender =
        kind_ == OtlpServer::Kind::kGrpc
            ? CreateGrpcSender({.endpoint = address, .tls = {.insecure = true}})
            : CreateHttpSender({.endpoint = "http://" + address}, Signal::kTraces,
                               queue.num_consumers);
    ASSERT_TRUE(sender) << sender.error().message;
    exporter_.reset();
    exporter_ = std::make_unique<QueuedExporter>("out", Signal::kTraces, queue, retry,
                                                 std::move(*sender), registry_);
  }

  std::future<Outcome> Export(std::string bytes = Spans(3), std::uint64_t items = 3) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto answer = promise->get_future();
    Batch batch;
    batch.items = items;
    batch.bytes = Bytes(std::move(bytes));
    batch.ack = Ack([promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    exporter_->Consume(std::move(batch));
    return answer;
  }
  static Outcome Get(std::future<Outcome> answer) {
    EXPECT_EQ(answer.wait_for(seconds(60)), std::future_status::ready);
    return answer.get();
  }
  double Count(std::string_view name, telemetry::Labels more = {}) {
    telemetry::Labels labels = {{"exporter", "out"}};
    labels.insert(labels.end(), more.begin(), more.end());
    return registry_.Value(name, labels);
  }
  double Dropped(std::string_view reason) {
    return Count("wirespan_exporter_dropped_items_total",
                 {{"data_type", "traces"}, {"reason", std::string(reason)}});
  }

  OtlpServer::Kind kind_ = OtlpServer::Kind::kGrpc;
  telemetry::Registry registry_;
  std::unique_ptr<OtlpServer> server_;
  std::unique_ptr<QueuedExporter> exporter_;
};

TEST_F(ClientTest, C1ATooLargeItemIsNotSentAndCounted) {
  Backend(OtlpServer::Kind::kGrpc);
  const Outcome outcome = Get(Export(Spans(1, std::string(70 << 20, 'x')), 1));
  EXPECT_TRUE(server_->requests().empty());
  EXPECT_EQ(outcome.rejected_items, 1u);
  EXPECT_THAT(outcome.message, ::testing::HasSubstr("more than a request may have (67108864)"));
  EXPECT_EQ(Dropped("too_large"), 1);
  EXPECT_EQ(Count("otelcol_exporter_send_failed_spans_total"), 1);
}

TEST_F(ClientTest, C1ATooLargeRequestGoesOutInParts) {
  for (const bool compressed : {false, true}) {
    Backend(OtlpServer::Kind::kHttp);
    Connect(server_->port(), {.max_request_bytes = 4000});
    // Twenty spans of some 600 bytes, and one that no request has room for.
    const std::string request = Spans(20, std::string(500, 'n')) + Spans(1, std::string(5000, 'n'));
    Batch batch;
    batch.items = 21;
    batch.bytes = Bytes(request);
    auto gzip = std::make_shared<std::string>();
    otlp::Compressor().Compress(otlp::Encoding::kGzip, request, *gzip);
    if (compressed) batch.bytes.SetReceived(otlp::Encoding::kGzip, gzip, *gzip);
    std::promise<Outcome> answer;
    batch.ack = Ack([&](Outcome outcome) { answer.set_value(std::move(outcome)); });
    exporter_->Consume(std::move(batch));
    const Outcome outcome = Get(answer.get_future());
    EXPECT_TRUE(outcome.ok());
    EXPECT_EQ(outcome.rejected_items, 1u);
    EXPECT_GE(server_->requests().size(), 3u);
    for (const OtlpRequest& part : server_->requests()) EXPECT_LE(part.body.size(), 4000u);
    EXPECT_EQ(server_->items(otlp::Signal::kTraces), 20u);
    EXPECT_EQ(Dropped("too_large"), compressed ? 2 : 1);
  }
}

TEST_F(ClientTest, C2ATooLargeResponseIsAFailureForGood) {
  for (const auto kind : {OtlpServer::Kind::kHttp, OtlpServer::Kind::kGrpc}) {
    Backend(kind, [](const OtlpRequest&, std::size_t) {
      return OtlpReply{.body = std::string(5 << 20, 'x')};
    });
    const double before = Dropped("failed");
    const Outcome outcome = Get(Export());
    EXPECT_EQ(server_->requests().size(), 1u);
    EXPECT_EQ(outcome.rejected_items, 3u);
    EXPECT_EQ(Dropped("failed") - before, 3);
  }
}

TEST_F(ClientTest, C2ACompressedResponseIsNotInflated) {
  // We ask for none (no Accept-Encoding); a bomb stays the bytes that it is.
  std::string bomb;
  otlp::Compressor().Compress(otlp::Encoding::kGzip, std::string(64 << 20, 'x'), bomb);
  Backend(OtlpServer::Kind::kHttp, [&](const OtlpRequest&, std::size_t) {
    return OtlpReply{
        .body = bomb,
        .headers = {{"Content-Encoding", "gzip"}, {"Content-Type", "application/x-protobuf"}}};
  });
  EXPECT_TRUE(Get(Export()).ok());
  ASSERT_EQ(server_->requests().size(), 1u);
  EXPECT_FALSE(server_->requests()[0].headers.contains("accept-encoding"));
}

TEST_F(ClientTest, C3RequestsGoOutBesideEachOther) {
  // None is answered before a second one is there.
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t there = 0;
  Backend(OtlpServer::Kind::kGrpc, [&](const OtlpRequest&, std::size_t) {
    std::unique_lock lock(mutex);
    ++there;
    changed.notify_all();
    changed.wait_for(lock, seconds(20), [&] { return there >= 2; });
    return OtlpReply{};
  });
  Connect(server_->port(), {.num_consumers = 4});
  std::vector<std::future<Outcome>> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(Export());
  for (auto& answer : answers) EXPECT_TRUE(Get(std::move(answer)).ok());
}

TEST_F(ClientTest, C5WhatWasNotDeliveredIsCounted) {
  Backend(OtlpServer::Kind::kGrpc,
          [](const OtlpRequest&, std::size_t) { return OtlpReply{.code = 3, .message = "no"}; });
  Get(Export(Spans(5), 5));
  EXPECT_EQ(Dropped("failed"), 5);
  EXPECT_EQ(Count("otelcol_exporter_send_failed_spans_total"), 5);
}

TEST_F(ClientTest, C6PartialSuccessIsNotTriedAgain) {
  for (const auto kind : {OtlpServer::Kind::kGrpc, OtlpServer::Kind::kHttp}) {
    Backend(kind, [](const OtlpRequest&, std::size_t) {
      return OtlpReply{.body = otlp::EncodeResponse({.rejected = 2, .message = "bad"}),
                       .headers = {{"Content-Type", "application/x-protobuf"}}};
    });
    const Outcome outcome = Get(Export());
    EXPECT_TRUE(outcome.ok());
    EXPECT_EQ(outcome.rejected_items, 2u);
    EXPECT_EQ(server_->requests().size(), 1u);
  }
}

TEST_F(ClientTest, C6PartialSuccessIsReadAsJsonToo) {
  Backend(OtlpServer::Kind::kHttp, [](const OtlpRequest&, std::size_t) {
    return OtlpReply{
        .body = otlp::ResponseToJson({.rejected = 2, .message = "bad"}, Signal::kTraces),
        .headers = {{"Content-Type", "application/json"}}};
  });
  const Outcome outcome = Get(Export());
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(outcome.rejected_items, 2u);
  EXPECT_EQ(outcome.message, "bad");
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientTest, C7AndC8EachGrpcCodeIsTreatedAsTheTableSays) {
  for (int code = 1; code <= 16; ++code) {
    SCOPED_TRACE(code);
    Backend(OtlpServer::Kind::kGrpc, [code](const OtlpRequest&, std::size_t index) {
      return index == 0 ? OtlpReply{.code = code, .message = "no"} : OtlpReply{};
    });
    const Outcome outcome = Get(Export());
    const bool retried = otlp::GrpcRetryable(code, false);
    EXPECT_EQ(server_->requests().size(), retried ? 2u : 1u);
    EXPECT_EQ(outcome.rejected_items, retried ? 0u : 3u);
  }
}

TEST_F(ClientTest, C8ResourceExhaustedIsTriedAgainOnlyWithRetryInfo) {
  const std::string details =
      otlp::EncodeStatus({.code = 8, .message = "later", .retry_delay = milliseconds(1)});
  Backend(OtlpServer::Kind::kGrpc, [&](const OtlpRequest&, std::size_t index) {
    return index == 0 ? OtlpReply{.code = 8, .details = details} : OtlpReply{};
  });
  EXPECT_TRUE(Get(Export()).ok());
  EXPECT_EQ(server_->requests().size(), 2u);
}

TEST_F(ClientTest, C9WaitsLongerEachTimeWithASpread) {
  Backend(OtlpServer::Kind::kGrpc, [](const OtlpRequest&, std::size_t index) {
    return index < 4 ? OtlpReply{.code = 14} : OtlpReply{};
  });
  // Nobody waits for the result: who waits is told to come again if this takes a slow machine long.
  Connect(server_->port(), {.wait_for_result = false},
          {.initial_interval = milliseconds(40),
           .randomization_factor = 0.1,
           .multiplier = 3,
           .max_interval = seconds(60)});
  EXPECT_TRUE(Get(Export()).in_memory);
  ASSERT_TRUE(server_->WaitForRequests(5));
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 5u);
  milliseconds least(36);
  for (std::size_t i = 1; i < requests.size(); ++i, least *= 3) {
    EXPECT_GE(requests[i].at - requests[i - 1].at, least) << i;
  }
}

TEST_F(ClientTest, C10WaitsAsLongAsTheBackendAsks) {
  const std::string details =
      otlp::EncodeStatus({.code = 14, .message = "later", .retry_delay = milliseconds(300)});
  Backend(OtlpServer::Kind::kGrpc, [&](const OtlpRequest&, std::size_t index) {
    return index == 0 ? OtlpReply{.code = 14, .details = details} : OtlpReply{};
  });
  EXPECT_TRUE(Get(Export()).ok());
  const auto requests = server_->requests();
  EXPECT_GE(requests[1].at - requests[0].at, milliseconds(300));
}

TEST_F(ClientTest, C11AndC12OnlyFourStatusesAreTriedAgain) {
  for (const int status : {400, 401, 403, 404, 408, 413, 429, 500, 501, 502, 503, 504, 505, 511}) {
    SCOPED_TRACE(status);
    Backend(OtlpServer::Kind::kHttp, [status](const OtlpRequest&, std::size_t index) {
      return index == 0 ? OtlpReply{.code = status} : OtlpReply{};
    });
    Get(Export());
    const bool retried = status == 429 || status == 502 || status == 503 || status == 504;
    EXPECT_EQ(server_->requests().size(), retried ? 2u : 1u);
  }
}

TEST_F(ClientTest, C13GarbageInRetryAfterLeavesOurOwnBackoff) {
  Backend(OtlpServer::Kind::kHttp, [](const OtlpRequest&, std::size_t index) {
    const char* when[] = {"soon", "Thu, 01 Jan 1970 00:00:00 GMT"};
    return index < 2 ? OtlpReply{.code = 503, .headers = {{"Retry-After", when[index]}}}
                     : OtlpReply{};
  });
  EXPECT_TRUE(Get(Export()).ok());
  EXPECT_EQ(server_->requests().size(), 3u);
}

TEST_F(ClientTest, C13HonoursRetryAfter) {
  Backend(OtlpServer::Kind::kHttp, [](const OtlpRequest&, std::size_t index) {
    return index == 0 ? OtlpReply{.code = 503, .headers = {{"Retry-After", "1"}}} : OtlpReply{};
  });
  EXPECT_TRUE(Get(Export()).ok());
  const auto requests = server_->requests();
  EXPECT_GE(requests[1].at - requests[0].at, seconds(1));
}

TEST_F(ClientTest, C14ABrokenConnectionIsTriedAgain) {
  Backend(OtlpServer::Kind::kHttp, [](const OtlpRequest&, std::size_t index) {
    return index < 2 ? OtlpReply{.reset = true} : OtlpReply{};
  });
  EXPECT_TRUE(Get(Export()).ok());
  EXPECT_GE(server_->requests().size(), 3u);
}

TEST_F(ClientTest, C15OneConnectionServesManyRequests) {
  Backend(OtlpServer::Kind::kHttp);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Get(Export()).ok());
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(ClientTest, C17AndC18AndC26HeadersSayWhatTheBodyIs) {
  Backend(OtlpServer::Kind::kHttp);
  EXPECT_TRUE(Get(Export()).ok());
  const OtlpRequest request = server_->requests().at(0);
  EXPECT_EQ(request.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(request.headers.at("content-type"), "application/x-protobuf");
  EXPECT_EQ(request.path, "/v1/traces");  // C22
  EXPECT_THAT(request.headers.at("user-agent"), ::testing::HasSubstr("wirespan-gateway"));
  EXPECT_EQ(request.body, Spans(3));
}

TEST_F(ClientTest, C19ADestinationThatIsDownLeavesTheOtherAlone) {
  Backend(OtlpServer::Kind::kGrpc);
  auto down = CreateGrpcSender({.endpoint = "127.0.0.1:1", .tls = {.insecure = true}});
  ASSERT_TRUE(down);
  QueuedExporter other("down", Signal::kTraces, {.wait_for_result = false}, {}, std::move(*down),
                       registry_);
  FanOut both({exporter_.get(), &other});
  for (int i = 0; i < 20; ++i) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto answer = promise->get_future();
    Batch batch;
    batch.items = 3;
    batch.bytes = Bytes(Spans(3));
    batch.ack = Ack([promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    both.Consume(std::move(batch));
    const Outcome outcome = Get(std::move(answer));
    EXPECT_TRUE(outcome.ok());
    EXPECT_TRUE(outcome.in_memory);
  }
  EXPECT_EQ(server_->requests().size(), 20u);
}

TEST_F(ClientTest, C23EndpointsNameTheirSecurity) {
  Backend(OtlpServer::Kind::kGrpc);
  auto sender =
      CreateGrpcSender({.endpoint = "http://127.0.0.1:" + std::to_string(server_->port()) + "/"});
  ASSERT_TRUE(sender);
  std::promise<Outcome> answered;
  (*sender)->Send({.items = 1, .bytes = Bytes(Spans(1))},
                  [&](Outcome outcome) { answered.set_value(std::move(outcome)); });
  EXPECT_TRUE(Get(answered.get_future()).ok());
}

}  // namespace
}  // namespace wirespan::gateway
