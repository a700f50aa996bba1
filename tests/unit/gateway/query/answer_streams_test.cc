// Long answers to clients that read, that do not, and that go away.
#include "gateway/query/answer_streams.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "tests/unit/gateway/query/fake_connection.h"

namespace wirespan::gateway::query {
namespace {

using testing::Connection;
using testing::FakeResponder;

constexpr std::size_t kPiece = 64u << 10;

// An answer of so many pieces, and how many were made.
struct Body {
  std::shared_ptr<std::atomic<int>> made = std::make_shared<std::atomic<int>>(0);
  int pieces = 0;
  int fails_at = -1;

  ApiAnswer Answer() const {
    ApiAnswer answer(http::Response{.body = "<"});
    answer.rest = [*this](std::string& out) -> Result<bool> {
      const int number = (*made)++;
      if (number == fails_at) return Fail(ErrorCode::kUnknown, "damaged");
      out.append(kPiece, static_cast<char>('a' + number % 26));
      if (number + 1 < pieces) return true;
      out += '>';
      return false;
    };
    return answer;
  }
};

class AnswerStreamsTest : public ::testing::Test {
 protected:
  static std::shared_ptr<Connection> Client(bool reads = true) {
    auto connection = std::make_shared<Connection>();
    connection->full = !reads;
    return connection;
  }
  void Send(const Body& body, const std::shared_ptr<Connection>& to) {
    FakeResponder responder(to);
    streams_.Send(body.Answer(), responder);
  }
  static bool Await(const std::function<bool()>& true_of) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!true_of()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  static bool Finished(Connection& connection) {
    const std::lock_guard lock(connection.mutex);
    return connection.finished;
  }

  AnswerStreams streams_;
};

TEST_F(AnswerStreamsTest, AShortAnswerIsSentAsAWhole) {
  const auto client = Client();
  Send({.pieces = 2}, client);
  EXPECT_TRUE(client->finished);
  EXPECT_EQ(client->status, 200);
  EXPECT_EQ(client->text.size(), 2 * kPiece + 2);
  EXPECT_EQ(streams_.sending(), 0u);
}

TEST_F(AnswerStreamsTest, ALongAnswerArrivesWholeAndInOrder) {
  const auto client = Client();
  Send({.pieces = 100}, client);
  ASSERT_TRUE(Await([&] { return Finished(*client); }));
  ASSERT_EQ(client->text.size(), 100 * kPiece + 2);
  EXPECT_EQ(client->text.front(), '<');
  EXPECT_EQ(client->text.back(), '>');
  for (std::size_t piece = 0; piece < 100; ++piece) {
    EXPECT_EQ(client->text[1 + piece * kPiece], static_cast<char>('a' + piece % 26));
    EXPECT_EQ(client->text[(piece + 1) * kPiece], static_cast<char>('a' + piece % 26));
  }
  EXPECT_TRUE(Await([&] { return streams_.sending() == 0; }));
}

TEST_F(AnswerStreamsTest, WhatNobodyReadsIsNotMade) {
  const auto slow = Client(false);
  const Body body{.pieces = 1000};
  Send(body, slow);
  ASSERT_TRUE(Await([&] {
    const std::lock_guard lock(slow->mutex);
    return slow->refused > 5;
  }));
  EXPECT_LE(*body.made, 6);  // the beginning, and one piece that waits
  // It does not hold up others.
  const auto quick = Client();
  Send({.pieces = 100}, quick);
  EXPECT_TRUE(Await([&] { return Finished(*quick); }));
  EXPECT_LE(*body.made, 6);
  {
    const std::lock_guard lock(slow->mutex);
    slow->full = false;
  }
  ASSERT_TRUE(Await([&] { return Finished(*slow); }));
  EXPECT_EQ(slow->text.size(), 1000 * kPiece + 2);
}

TEST_F(AnswerStreamsTest, AClientThatGoesEndsItsAnswer) {
  const auto client = Client(false);
  const Body body{.pieces = 1000};
  Send(body, client);
  EXPECT_EQ(streams_.sending(), 1u);
  {
    const std::lock_guard lock(client->mutex);
    client->gone = true;
  }
  EXPECT_TRUE(Await([&] { return streams_.sending() == 0; }));
  EXPECT_LE(*body.made, 6);
  EXPECT_FALSE(client->finished);
  EXPECT_TRUE(client->dropped);
}

TEST_F(AnswerStreamsTest, AnErrorAtTheBeginningIsTold) {
  const auto client = Client();
  Send({.pieces = 1000, .fails_at = 1}, client);
  EXPECT_EQ(client->status, 500);
  EXPECT_TRUE(client->finished);
  EXPECT_NE(client->text.find("damaged"), std::string::npos);
}

TEST_F(AnswerStreamsTest, AnErrorLaterBreaksTheConnection) {
  const auto client = Client();
  Send({.pieces = 1000, .fails_at = 500}, client);
  EXPECT_TRUE(Await([&] { return streams_.sending() == 0; }));
  EXPECT_FALSE(client->finished);
  EXPECT_TRUE(client->dropped);
}

TEST_F(AnswerStreamsTest, TooManyAreRefused) {
  std::vector<std::shared_ptr<Connection>> clients;
  for (std::size_t i = 0; i < AnswerStreams::kMost; ++i) {
    Send({.pieces = 1000}, clients.emplace_back(Client(false)));
    EXPECT_EQ(clients.back()->status, 200);
  }
  const auto late = Client();
  Send({.pieces = 1000}, late);
  EXPECT_EQ(late->status, 503);
  const auto brief = Client();
  Send({.pieces = 1}, brief);
  EXPECT_EQ(brief->status, 200);
}

TEST_F(AnswerStreamsTest, ClosingBreaksOffWhatIsSentAndRefusesMore) {
  const auto client = Client(false);
  Send({.pieces = 1000}, client);
  streams_.Close();
  EXPECT_FALSE(client->finished);
  EXPECT_TRUE(client->dropped);
  const auto late = Client();
  Send({.pieces = 1000}, late);
  EXPECT_EQ(late->status, 503);
}

}  // namespace
}  // namespace wirespan::gateway::query
