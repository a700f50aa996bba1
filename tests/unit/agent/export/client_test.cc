// The client requirements of OTLP that hold for both transports.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/version.h"
#include "common/otlp/compress.h"
#include "common/otlp/response.h"
#include "common/otlp/walk.h"
#include "tests/unit/agent/export/export_harness.h"

namespace wirespan::exporting {
namespace {

using Kind = OtlpServer::Kind;

class OtlpClientBothTest : public ::testing::TestWithParam<Kind> {
 protected:
  bool grpc() const { return GetParam() == Kind::kGrpc; }
  OtlpReply Unavailable() const { return {.code = grpc() ? 14 : 503}; }
  OtlpReply Unavailable(std::chrono::seconds after) const {
    OtlpReply reply = Unavailable();
    if (grpc())
      reply.details = otlp::EncodeStatus({14, "busy", after, {}});
    else
      reply.headers = {{"Retry-After", std::to_string(after.count())}};
    return reply;
  }
  Harness harness{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Kinds, OtlpClientBothTest, ::testing::Values(Kind::kGrpc, Kind::kHttp),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(OtlpClientBothTest, DeliversEverySpan) {
  harness.Start();
  harness.Send(95);
  EXPECT_EQ(harness.server->items(otlp::Signal::kTraces), 95u);
  EXPECT_EQ(harness.server->requests().size(), 10u);
  EXPECT_EQ(harness.Acknowledged(), 95);
  EXPECT_EQ(harness.Held(), 0);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C01_NoRequestPassesTheLimit) {
  harness.options.max_request_bytes = 20000;
  harness.options.batch_spans = 1000;
  harness.Start();
  span::Span large = SampleSpan(harness.resource);
  large.attributes.push_back({"large", std::string(70000, 'x')});
  harness.Accept(5);
  harness.exporter->Accept(large);
  harness.Send(100);
  EXPECT_EQ(harness.Dropped("too_large"), 1);
  EXPECT_EQ(harness.Acknowledged(), 105);
  for (const OtlpRequest& request : harness.server->requests())
    EXPECT_LE(request.body.size(), 20000u);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C02_AResponseBeyondTheLimitIsFinal) {
  harness.options.max_response_bytes = 64 << 10;
  harness.Start(
      [](const OtlpRequest&, std::size_t) { return OtlpReply{.body = std::string(100000, 'x')}; });
  harness.Send(10);
  EXPECT_EQ(harness.server->requests().size(), 1u);
  EXPECT_EQ(harness.Dropped("refused"), 10);
}

TEST_P(OtlpClientBothTest, C02_ACompressedResponseIsHeldToTheSameLimit) {
  harness.options.max_response_bytes = 64 << 10;
  harness.Start([this](const OtlpRequest&, std::size_t) {
    OtlpReply reply;
    otlp::Compressor().Compress(otlp::Encoding::kGzip, std::string(20 << 20, '\0'), reply.body);
    EXPECT_LT(reply.body.size(), 64u << 10);
    if (!grpc()) reply.headers = {{"Content-Encoding", "gzip"}};
    return reply;
  });
  harness.Send(10);
  EXPECT_EQ(harness.server->requests().size(), 1u);
  EXPECT_EQ(harness.Dropped("refused"), 10);
  EXPECT_EQ(harness.Value("requests_total", {{"signal", "traces"}, {"code", "response_too_large"}}),
            1);
}

TEST_P(OtlpClientBothTest, C03_SeveralRequestsAreUnderWayAtOnce) {
  harness.options.concurrent_requests = 4;
  harness.Start([](const OtlpRequest&, std::size_t index) {
    return OtlpReply{.delay = index < 4 ? 2000ms : 0ms};
  });
  harness.Accept(80);
  ASSERT_TRUE(harness.server->WaitForRequests(4));
  const auto requests = harness.server->requests();
  EXPECT_LT(requests[3].at - requests[0].at, 2000ms);  // before the first one's answer
  EXPECT_EQ(requests.size(), 4u);                      // and no more than configured
  EXPECT_TRUE(harness.exporter->Flush(30s));
  EXPECT_EQ(harness.Acknowledged(), 80);
}

TEST_P(OtlpClientBothTest, C04_FlushWaitsAsLongAsItIsTold) {
  harness.Start([](const OtlpRequest&, std::size_t index) {
    return OtlpReply{.delay = index == 0 ? 0ms : 2000ms};
  });
  harness.Send(5);
  EXPECT_EQ(harness.Acknowledged(), 5);
  harness.Accept(7);
  EXPECT_FALSE(harness.exporter->Flush(50ms));
  EXPECT_EQ(harness.Held(), 7);
  harness.ExpectClosedLedger();
  harness.exporter.reset();
  EXPECT_EQ(harness.Dropped("shutdown"), 7);
  EXPECT_EQ(harness.Held(), 0);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C05_WhatIsNotDeliveredIsCounted) {
  harness.options.max_elapsed = 100ms;
  harness.Start([this](const OtlpRequest&, std::size_t) { return Unavailable(); });
  harness.Send(30);
  EXPECT_EQ(harness.Dropped("retries_exhausted"), 30);
  EXPECT_EQ(harness.Acknowledged(), 0);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C06_APartialSuccessIsNotSentAgain) {
  harness.Start([](const OtlpRequest&, std::size_t) {
    return OtlpReply{.body = otlp::EncodeResponse({3, "three had no name"})};
  });
  harness.Send(10);
  EXPECT_EQ(harness.server->requests().size(), 1u);
  EXPECT_EQ(harness.Acknowledged(), 7);
  EXPECT_EQ(harness.Rejected(), 3);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C06_AnAbsurdPartialSuccessDoesNotBreakTheSum) {
  harness.Start([](const OtlpRequest&, std::size_t index) {
    return OtlpReply{.body =
                         otlp::EncodeResponse({index == 0 ? std::int64_t{1} << 60 : -5, "odd"})};
  });
  harness.Send(20);
  EXPECT_EQ(harness.Acknowledged() + harness.Rejected(), 20);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C09_AttemptsMoveApartExponentially) {
  harness.options.initial_backoff = 40ms;
  harness.options.max_backoff = 10s;
  harness.Start([this](const OtlpRequest&, std::size_t index) {
    return index < 4 ? Unavailable() : OtlpReply{};
  });
  harness.Send(10);
  const auto requests = harness.server->requests();
  ASSERT_EQ(requests.size(), 5u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GE(requests[i + 1].at - requests[i].at, 20ms * (1 << i))
        << i;  // half of 40, 80, 160, 320
    EXPECT_EQ(requests[i].body, requests[4].body);
  }
  EXPECT_EQ(harness.Acknowledged(), 10);
  EXPECT_EQ(harness.Value("retries_total", {{"signal", "traces"}}), 4);
}

TEST_P(OtlpClientBothTest, C10_TheServersWishHoldsEverythingBack) {
  harness.options.concurrent_requests = 3;
  harness.Start([this](const OtlpRequest&, std::size_t index) {
    return index == 0 ? Unavailable(1s) : OtlpReply{};
  });
  harness.Accept(10);
  ASSERT_TRUE(harness.server->WaitForRequests(1));
  while (harness.Value("retries_total", {{"signal", "traces"}}) == 0) std::this_thread::yield();
  harness.Send(40);
  const auto requests = harness.server->requests();
  ASSERT_EQ(requests.size(), 6u);
  for (std::size_t i = 1; i < requests.size(); ++i) EXPECT_GE(requests[i].at - requests[0].at, 1s);
  EXPECT_EQ(harness.Acknowledged(), 50);
}

TEST_P(OtlpClientBothTest, C14_AServerThatIsNotThereYetGetsTheDataLater) {
  std::uint16_t port = 0;
  {
    OtlpServer::Options options;
    options.kind = GetParam();
    port = OtlpServer::Start(options)->port();
  }
  harness.options.traces.endpoint =
      "http://127.0.0.1:" + std::to_string(port) + (grpc() ? "" : "/v1/traces");
  harness.StartExporter();
  harness.Accept(20);
  while (harness.Value("retries_total", {{"signal", "traces"}}) < 2) std::this_thread::yield();
  OtlpServer::Options options;
  options.kind = GetParam();
  options.port = port;
  harness.server = OtlpServer::Start(options);
  ASSERT_NE(harness.server, nullptr);
  EXPECT_TRUE(harness.exporter->Flush(30s));
  EXPECT_EQ(harness.Acknowledged(), 20);
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, C17_CompressedBodiesSaySo) {
  for (const Compression compression :
       {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    Harness each(GetParam());
    each.options.traces.compression = compression;
    each.options.batch_spans = 100;
    each.Start();
    each.Send(100);
    ASSERT_EQ(each.server->requests().size(), 1u);
    const OtlpRequest request = each.server->requests()[0];
    EXPECT_EQ(each.server->items(otlp::Signal::kTraces), 100u);
    if (grpc()) continue;
    const auto header = request.headers.find("content-encoding");
    if (compression == Compression::kNone) {
      EXPECT_EQ(header, request.headers.end());
    } else {
      ASSERT_NE(header, request.headers.end());
      EXPECT_EQ(header->second, compression == Compression::kGzip ? "gzip" : "zstd");
      EXPECT_LT(request.raw.size(), request.body.size() / 4);
    }
    EXPECT_EQ(each.Value("sent_bytes_total", {{"signal", "traces"}}), request.raw.size());
    EXPECT_EQ(each.Value("encoded_bytes_total", {{"signal", "traces"}}), request.body.size());
  }
}

TEST_P(OtlpClientBothTest, C19_ADestinationThatHangsDoesNotHoldTheOther) {
  harness.options.metrics.enabled = true;
  harness.Start([](const OtlpRequest& request, std::size_t) {
    return OtlpReply{.delay = request.signal == otlp::Signal::kTraces ? 3s : 0s};
  });
  harness.Accept(100);
  ASSERT_TRUE(harness.server->WaitForRequests(1));
  metric::HistogramPoint point;
  point.count = 1;
  point.bucket_counts = {1, 0};
  const metric::Snapshot snapshot = {{harness.resource, {{"m", "s", "", {1.0}, {point}}}}};
  for (int i = 0; i < 5; ++i) harness.exporter->ExportMetrics(snapshot);
  while (harness.Value("points_total", {{"result", "acknowledged"}, {"reason", ""}}) < 5)
    std::this_thread::yield();
  EXPECT_EQ(harness.server->items(otlp::Signal::kMetrics), 5u);
  EXPECT_EQ(harness.Acknowledged(), 0);
  EXPECT_EQ(harness.Value("accepted_points_total"), 5);
}

TEST_P(OtlpClientBothTest, C20_NothingIsNotSent) {
  harness.options.metrics.enabled = true;
  harness.Start();
  harness.exporter->ExportMetrics({});
  harness.exporter->ExportMetrics({{harness.resource, {{"m", "s", "", {1.0}, {}}}}});
  harness.exporter->Tick();
  EXPECT_TRUE(harness.exporter->Flush(10s));
  EXPECT_TRUE(harness.server->requests().empty());
}

TEST_P(OtlpClientBothTest, C26_TheUserAgentNamesTheExporterAndHeadersAreSent) {
  harness.options.traces.headers = {{"X-Scope-OrgID", "tenant 7"}, {"authorization", "Bearer abc"}};
  harness.Start();
  harness.Send(1);
  auto headers = harness.server->requests().at(0).headers;
  EXPECT_TRUE(headers["user-agent"].starts_with(std::string("OTel-OTLP-Exporter-CPP/") + kVersion +
                                                " wirespan-agent/"))
      << headers["user-agent"];
  EXPECT_EQ(headers["x-scope-orgid"], "tenant 7");
  EXPECT_EQ(headers["authorization"], "Bearer abc");
}

TEST_P(OtlpClientBothTest, ABatchLeavesWhenItsOldestSpanIsOldEnough) {
  harness.options.batch_delay = 50ms;
  harness.Start();
  harness.Accept(3);
  EXPECT_EQ(harness.Held(), 3);
  while (harness.Acknowledged() < 3) {
    harness.exporter->Tick();
    std::this_thread::yield();
  }
  EXPECT_EQ(harness.server->requests().size(), 1u);
}

TEST_P(OtlpClientBothTest, AFullQueueDropsTheOldestAndTheSumHolds) {
  std::atomic<bool> open = false;
  harness.options.queue_bytes = 60000;
  harness.options.concurrent_requests = 1;
  harness.Start(
      [&](const OtlpRequest&, std::size_t) { return open ? OtlpReply{} : Unavailable(); });
  harness.Accept(1000);
  EXPECT_GT(harness.Dropped("queue_full"), 500);
  EXPECT_LE(harness.Value("queue_bytes", {{"signal", "traces"}}), 60000);
  open = true;
  EXPECT_TRUE(harness.exporter->Flush(30s));
  EXPECT_EQ(harness.Acknowledged() + harness.Dropped("queue_full"), 1000);
  EXPECT_EQ(harness.Acknowledged(), harness.server->items(otlp::Signal::kTraces));
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, ADisabledSignalIsCountedAndCostsNothing) {
  harness.options.traces.enabled = false;
  harness.Start();
  harness.Send(10);
  EXPECT_EQ(harness.Dropped("disabled"), 10);
  EXPECT_TRUE(harness.server->requests().empty());
  harness.ExpectClosedLedger();
}

TEST_P(OtlpClientBothTest, ATimedOutRequestIsTriedAgain) {
  harness.options.traces.timeout = 100ms;
  harness.Start([](const OtlpRequest&, std::size_t index) {
    return OtlpReply{.delay = index == 0 ? 1500ms : 0ms};
  });
  harness.Send(10);
  EXPECT_EQ(harness.Acknowledged(), 10);
  EXPECT_EQ(harness.server->requests().size(), 2u);
}

TEST_P(OtlpClientBothTest, BadSettingsAreOneSentence) {
  const auto error = [this] {
    const auto created = Exporter::Create(harness.options, SystemClock(), harness.registry);
    return created ? std::string("no error") : created.error().message;
  };
  harness.options.traces.endpoint = "nonsense://x";
  EXPECT_TRUE(error().starts_with("export traces: endpoint")) << error();
  harness.options.traces.endpoint = "https://127.0.0.1:1/v1/traces";
  harness.options.traces.ca_file = "/does/not/exist.pem";
  EXPECT_TRUE(error().find("/does/not/exist.pem: No such file") != std::string::npos) << error();
  harness.options.traces.ca_file.clear();
  harness.options.traces.key_file = "/key";
  EXPECT_EQ(error(), "export traces: a client certificate and its key must be given together");
  harness.options.traces.key_file.clear();
  harness.options.traces.headers = {{"bad name", "s3cret"}};
  EXPECT_TRUE(error().find("\"bad name\"") != std::string::npos) << error();
  harness.options.traces.headers = {{"name", "s3cret\r\nX: y"}};
  EXPECT_EQ(error().find("s3cret"), std::string::npos);
  EXPECT_NE(error(), "no error");
}

}  // namespace
}  // namespace wirespan::exporting
