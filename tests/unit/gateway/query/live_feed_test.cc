// Spans as they come, to listeners that read and to those that do not.
#include "gateway/query/live_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/unit/gateway/query/fake_connection.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::query {
namespace {

using nlohmann::json;
using store::testing::TestSpan;
using testing::Connection;
using testing::FakeResponder;

class LiveFeedTest : public ::testing::Test {
 protected:
  std::shared_ptr<Connection> Listen(const std::string& query = "") {
    auto connection = std::make_shared<Connection>();
    FakeResponder responder(connection);
    feed_.Serve({.method = "GET", .path = "/wirespan/api/live", .query = query}, responder);
    return connection;
  }
  void Tell(const TestSpan& span) {
    const store::SpanRows read = store::ReadRows(store::testing::Request({span}));
    feed_.OnSpan(read.rows[0], read.groups[read.rows[0].group]);
  }
  // Polls until the connection's text holds this.
  static std::string Await(Connection& connection, const std::string& part) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      {
        const std::lock_guard lock(connection.mutex);
        const bool there = connection.text.find(part) != std::string::npos;
        if (there || std::chrono::steady_clock::now() > until) {
          EXPECT_TRUE(there) << connection.text;
          return connection.text;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  static std::size_t CountOf(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  LiveFeed feed_;
};

TEST_F(LiveFeedTest, ASpanIsAnEvent) {
  const auto connection = Listen();
  Tell({.trace = 10,
        .id = 11,
        .duration_ns = 1'234'567,
        .error = true,
        .texts = {{"rpc.response.status_code", "OK"}},
        .numbers = {{"http.response.status_code", 503}}});
  const std::string text = Await(*connection, "\n\ndata: {");
  const std::size_t at = text.find("data: ") + 6;
  const json event = json::parse(text.substr(at, text.find('\n', at) - at));
  EXPECT_EQ(event, (json{{"trace_id", "0000000000000007000000000000000a"},
                         {"span_id", "000000000000000b"},
                         {"service", "shop"},
                         {"operation", "GET /cart"},
                         {"kind", "server"},
                         {"start_us", store::testing::kStartNs / 1000},
                         {"duration_us", 1234.567},
                         {"error", true},
                         {"status", "503"},
                         {"node", "host-of-shop"}}));
}

TEST_F(LiveFeedTest, AListenerHearsWhatItAskedFor) {
  const auto slow = Listen("service=shop&min_duration_us=5000");
  const auto failed = Listen("operation=GET%20/x&errors=true");
  Tell({.id = 1, .duration_ns = 4'999'999});
  Tell({.id = 2, .duration_ns = 5'000'000});
  Tell({.id = 3, .service = "cart", .name = "GET /x", .duration_ns = 9'000'000});
  Tell({.id = 4, .service = "cart", .name = "GET /x", .error = true});
  EXPECT_EQ(CountOf(Await(*slow, "0002\""), "data: "), 1u);
  EXPECT_EQ(CountOf(Await(*failed, "0004\""), "data: "), 1u);
}

TEST_F(LiveFeedTest, WhatIsTooMuchIsCounted) {
  const auto connection = Listen();
  for (std::uint64_t id = 1; id <= 1000; ++id) Tell({.id = id});
  const std::string mark = "event: dropped\ndata: {\"count\":";
  std::uint64_t dropped = 0;
  std::size_t spans = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (spans + dropped < 1000 && std::chrono::steady_clock::now() < until) {
    const std::string text = Await(*connection, "event: dropped");
    spans = CountOf(text, "data: {\"trace_id");
    dropped = 0;
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; ++at) {
      dropped += std::stoull(text.substr(at + mark.size()));
    }
  }
  EXPECT_EQ(spans + dropped, 1000u);
  EXPECT_GE(spans, LiveFeed::kMostASecond);
  EXPECT_GT(dropped, 0u);
}

TEST_F(LiveFeedTest, ASlowReaderIsToldWhatItMissed) {
  const auto connection = Listen();
  connection->full = true;
  Tell({.id = 1});
  Tell({.id = 2});
  // Of two attempts from now on the second knows of both spans.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (int before = -1;; std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
    const std::lock_guard lock(connection->mutex);
    if (before < 0) before = connection->refused;
    if (connection->refused >= before + 2 || std::chrono::steady_clock::now() > until) {
      connection->full = false;
      break;
    }
  }
  EXPECT_EQ(CountOf(Await(*connection, "data: {\"count\":2}"), "trace_id"), 0u);
}

TEST_F(LiveFeedTest, WhoIsGoneIsForgotten) {
  const auto connection = Listen();
  EXPECT_EQ(feed_.listeners(), 1u);
  {
    const std::lock_guard lock(connection->mutex);
    connection->gone = true;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (feed_.listeners() > 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(feed_.listeners(), 0u);
}

TEST_F(LiveFeedTest, ListenersAreBoundedAndTheirWishesChecked) {
  EXPECT_EQ(Listen("errors=perhaps")->status, 400);
  EXPECT_EQ(Listen("min_duration_us=-1")->status, 400);
  std::vector<std::shared_ptr<Connection>> connections;
  for (std::size_t i = 0; i < LiveFeed::kMostListeners; ++i) connections.push_back(Listen());
  EXPECT_EQ(Listen()->status, 503);
  feed_.Close();
  EXPECT_TRUE(connections[0]->finished);
  EXPECT_EQ(Listen()->status, 503);
}

}  // namespace
}  // namespace wirespan::gateway::query
