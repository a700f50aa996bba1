// API v3 over gRPC: calls as they come over HTTP/2, and their messages.
#include "gateway/query/jaeger_v3_grpc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <random>

#include "common/otlp/wire.h"
#include "gateway/ingest/grpc_wire.h"
#include "gateway/query/jaeger_v3_messages.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::query {
namespace {

using store::testing::kStartNs;
using store::testing::TestSpan;

std::string Field(std::uint32_t number, std::string_view bytes) {
  std::string out;
  otlp::AppendBytesField(out, number, bytes);
  return out;
}

// google.protobuf.Timestamp and Duration.
std::string Time(std::uint32_t number, std::uint64_t ns) {
  std::string time;
  otlp::AppendVarintField(time, 1, ns / 1'000'000'000);
  otlp::AppendVarintField(time, 2, ns % 1'000'000'000);
  return Field(number, time);
}

std::string Hour() { return Time(4, kStartNs - 1) + Time(5, kStartNs + 3600ull * 1'000'000'000); }

std::string Depth(std::uint64_t depth) {
  std::string out;
  otlp::AppendVarintField(out, 8, depth);
  return out;
}

class JaegerV3GrpcTest : public ::testing::Test {
 protected:
  struct Answer {
    std::string status{};
    std::string message{};
    std::vector<std::string> messages{};
  };

  void Write(const std::vector<TestSpan>& spans) {
    std::promise<Result<>> written;
    store_->Append(store::testing::Request(spans),
                   [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
  }
  Answer Call(const std::string& method, std::string_view request) {
    std::string body;
    AppendGrpcMessage(body, request);
    return Raw("/jaeger.api_v3.QueryService/" + method, std::move(body));
  }
  Answer Raw(const std::string& path, std::string body) {
    const http::Response response = api_.Answer(
        {.method = "POST", .path = path, .body = std::move(body), .http2 = true}, nullptr);
    Answer answer;
    for (const http::Headers* headers : {&response.headers, &response.trailers}) {
      answer.status = http::FindHeader(*headers, "grpc-status").value_or(answer.status);
      answer.message = http::FindHeader(*headers, "grpc-message").value_or(answer.message);
    }
    EXPECT_TRUE(!response.body.empty() || response.trailers.empty());
    for (std::string_view rest = response.body; !rest.empty();) {
      std::size_t length = 0;
      for (std::size_t i = 1; i < 5; ++i)
        length = length << 8 | static_cast<unsigned char>(rest[i]);
      answer.messages.emplace_back(rest.substr(5, length));
      rest.remove_prefix(5 + length);
    }
    return answer;
  }
  static std::size_t SpansIn(const Answer& answer) {
    std::size_t spans = 0;
    for (const std::string& message : answer.messages) {
      store::ForEachSpanIn(message, [&](const auto&, const auto&) { return ++spans > 0; });
    }
    return spans;
  }

  wirespan::testing::FakeClock clock_;  // stands at kStartNs
  std::shared_ptr<queue::testing::UnsyncedFolder> folder_ =
      std::make_shared<queue::testing::UnsyncedFolder>();
  std::unique_ptr<store::TraceStore> store_ =
      store::TraceStore::Open(folder_->Mount(), {.directory = "test"}, clock_).value();
  JaegerV3Grpc api_{*store_};
};

TEST_F(JaegerV3GrpcTest, NamesAreListed) {
  Write({{.id = 1, .service = "b", .name = "x", .kind = 2},
         {.id = 2, .service = "a", .name = "y", .kind = 3},
         {.id = 3, .service = "a", .name = "z", .kind = 0}});
  EXPECT_EQ(Call("GetServices", "").messages, std::vector{Field(1, "a") + Field(1, "b")});
  const std::string y = Field(1, Field(1, "y") + Field(2, "client"));
  const std::string z = Field(1, Field(1, "z"));
  EXPECT_EQ(Call("GetOperations", Field(1, "a")).messages, std::vector{y + z});
  EXPECT_EQ(Call("GetOperations", Field(1, "a") + Field(2, "client")).messages, std::vector{y});
  EXPECT_EQ(Call("GetOperations", Field(1, "nobody")).messages, std::vector<std::string>{""});
}

TEST_F(JaegerV3GrpcTest, TracesAreStreamed) {
  Write({{.trace = 1, .id = 1, .service = "a", .name = "x", .texts = {{"user", "7"}}},
         {.trace = 1, .id = 2, .service = "b", .name = "y"},
         {.trace = 2, .id = 3, .service = "a", .name = "x", .duration_ns = 2'000'000'000}});
  const auto find = [&](const std::string& query) {
    const Answer answer = Call("FindTraces", Field(1, query + Hour()));
    EXPECT_EQ(answer.status, "0");
    return std::pair(answer.messages.size(), SpansIn(answer));
  };
  EXPECT_EQ(find(""), std::pair(std::size_t{2}, std::size_t{3}));
  EXPECT_EQ(find(Depth(1)).first, 1u);
  EXPECT_EQ(find(Field(1, "b")), std::pair(std::size_t{1}, std::size_t{2}));
  EXPECT_EQ(find(Field(1, "a") + Field(2, "y")).first, 0u);
  EXPECT_EQ(find(Field(3, Field(1, "user") + Field(2, "7"))).second, 2u);
  EXPECT_EQ(find(Time(6, 1'500'000'000)).second, 1u);
  EXPECT_EQ(find(Time(7, 1'500'000'000)).second, 2u);
  const Answer one = Call("GetTrace", Field(1, "00000000000000070000000000000001"));
  EXPECT_EQ(std::pair(one.status, SpansIn(one)), std::pair(std::string("0"), std::size_t{2}));
  const Answer none = Call("GetTrace", Field(1, "77"));
  EXPECT_EQ(std::pair(none.status, none.messages.size()),
            std::pair(std::string("0"), std::size_t{0}));
}

TEST_F(JaegerV3GrpcTest, ALargeTraceIsSeveralMessages) {
  std::vector<TestSpan> spans;
  for (std::uint64_t i = 1; i <= 60; ++i) {
    spans.push_back({.id = i,
                     .service = "service-" + std::to_string(i % 30),
                     .texts = {{"large", std::string(100'000, 'x')}}});
  }
  Write(spans);
  const Answer answer = Call("GetTrace", Field(1, "00000000000000070000000000000001"));
  EXPECT_EQ(answer.status, "0");
  EXPECT_EQ(SpansIn(answer), spans.size());
  EXPECT_GT(answer.messages.size(), 3u);
  for (const std::string& message : answer.messages) EXPECT_LT(message.size(), 2u << 20);
}

TEST_F(JaegerV3GrpcTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(Call("Nothing", "").status, "12");
  EXPECT_EQ(Raw("/other.Service/GetTrace", std::string(5, '\0')).status, "12");
  EXPECT_EQ(Call("FindTraces", "").message, "missing query");
  EXPECT_EQ(Call("FindTraces", Field(1, Field(1, "a"))).message,
            "start time min and max are required parameters");
  EXPECT_EQ(Call("FindTraces", Field(1, Hour() + Depth(~0ull))).status, "3");
  EXPECT_EQ(Call("GetTrace", Field(1, "xyz")).status, "3");
  EXPECT_EQ(Call("GetTrace", "\xff").status, "3");
  EXPECT_EQ(Raw("/jaeger.api_v3.QueryService/GetServices", "").status, "3");
}

TEST_F(JaegerV3GrpcTest, AnythingCutAndChangedIsAnswered) {
  Write({{.id = 1}});
  const std::string sound = Field(1, Field(1, "shop") + Field(3, Field(1, "k") + Field(2, "v")) +
                                         Hour() + Time(6, 1) + Time(7, ~0ull) + Depth(5));
  std::mt19937 random(4);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = sound.substr(0, random() % (sound.size() + 1));
    if (!bytes.empty()) bytes[random() % bytes.size()] = static_cast<char>(random());
    for (const char* method : {"FindTraces", "GetTrace", "GetOperations", "GetServices"}) {
      const Answer answer = Call(method, bytes);
      EXPECT_TRUE(answer.status == "0" || answer.status == "3") << answer.status;
    }
  }
}

TEST(SplitTraceTest, KeepsEveryByteInOrder) {
  const std::string spans = Field(1, std::string(10, 'a')) + Field(1, std::string(300, 'b')) +
                            Field(1, "c") + Field(1, std::string(40, 'd'));
  for (const std::size_t most : {1u, 20u, 60u, 400u}) {
    std::string joined;
    for (const std::string_view part : SplitTrace(spans, most)) {
      EXPECT_FALSE(part.empty());
      joined += part;
    }
    EXPECT_EQ(joined, spans);
  }
  EXPECT_EQ(SplitTrace(spans, 1).size(), 4u);
  EXPECT_EQ(SplitTrace(spans, 1000).size(), 1u);
  EXPECT_TRUE(SplitTrace("", 10).empty());
}

}  // namespace
}  // namespace wirespan::gateway::query
