#include <gtest/gtest.h>

#include <atomic>
#include <ctime>

#include "common/otlp/status.h"
#include "tests/unit/agent/export/export_harness.h"

namespace wirespan::exporting {
namespace {

class OtlpClientHttpTest : public ::testing::Test {
 protected:
  Harness harness{OtlpServer::Kind::kHttp};
};

TEST_F(OtlpClientHttpTest, C11_C12_OnlyFourStatusesAreRetried) {
  std::atomic<int> status = 0;
  std::atomic<bool> fail = true;
  harness.options.batch_spans = 1;
  harness.options.initial_backoff = 1ms;
  harness.options.max_backoff = 1ms;
  harness.Start([&](const OtlpRequest&, std::size_t) {
    return OtlpReply{.code = fail.exchange(false) ? status.load() : 200};
  });
  std::size_t requests = 0;
  double refused = 0;
  for (int code = 300; code <= 511; ++code) {
    SCOPED_TRACE(code);
    if (code == 304) continue;  // has no body by definition
    status = code;
    fail = true;
    harness.Send(1);
    const bool retried = code == 429 || code == 502 || code == 503 || code == 504;
    requests += retried ? 2 : 1;
    refused += retried ? 0 : 1;
    ASSERT_EQ(harness.server->requests().size(), requests);
    ASSERT_EQ(harness.Dropped("refused"), refused);
  }
  harness.ExpectClosedLedger();
}

std::string HttpDate(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[64];
  std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

TEST_F(OtlpClientHttpTest, C13_RetryAfterIsHonouredInBothForms) {
  harness.Start([](const OtlpRequest&, std::size_t index) {
    OtlpReply reply;
    if (index == 0) reply = {.code = 429, .headers = {{"Retry-After", "1"}}};
    if (index == 1)
      reply = {.code = 503, .headers = {{"Retry-After", HttpDate(std::time(nullptr) + 2)}}};
    if (index == 2)
      reply = {.code = 503, .headers = {{"Retry-After", HttpDate(std::time(nullptr) - 3600)}}};
    if (index == 3) reply = {.code = 503, .headers = {{"Retry-After", "later, perhaps"}}};
    return reply;
  });
  harness.Send(10);
  const auto requests = harness.server->requests();
  ASSERT_EQ(requests.size(), 5u);
  EXPECT_GE(requests[1].at - requests[0].at, 1s);
  EXPECT_GE(requests[2].at - requests[1].at, 900ms);  // a date has whole seconds
  EXPECT_EQ(harness.Acknowledged(), 10);
}

TEST_F(OtlpClientHttpTest, C14_AConnectionThatBreaksIsTriedAgain) {
  harness.Start(
      [](const OtlpRequest&, std::size_t index) { return OtlpReply{.reset = index < 3}; });
  harness.Send(10);
  EXPECT_EQ(harness.Acknowledged(), 10);
  EXPECT_EQ(harness.server->requests().size(), 4u);
}

TEST_F(OtlpClientHttpTest, C15_C16_OneHttp11ConnectionServesManyRequests) {
  harness.options.concurrent_requests = 1;
  harness.Start();
  harness.Send(1000);
  EXPECT_EQ(harness.server->requests().size(), 100u);
  EXPECT_EQ(harness.server->connections(), 1u);
}

TEST_F(OtlpClientHttpTest, C18_TheContentTypeIsProtobuf) {
  harness.Start();
  harness.Send(1);
  const OtlpRequest request = harness.server->requests().at(0);
  EXPECT_EQ(request.headers.at("content-type"), "application/x-protobuf");
  EXPECT_EQ(request.path, "/v1/traces");
}

TEST_F(OtlpClientHttpTest, ASuccessWithAForeignBodyIsStillASuccess) {
  harness.Start([](const OtlpRequest&, std::size_t) {
    return OtlpReply{.body = "<html>ok</html>", .headers = {{"Content-Type", "text/html"}}};
  });
  harness.Send(10);
  EXPECT_EQ(harness.Acknowledged(), 10);
}

}  // namespace
}  // namespace wirespan::exporting
