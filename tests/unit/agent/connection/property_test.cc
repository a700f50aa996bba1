#include <gtest/gtest.h>
// rapidcheck wants gtest before it
#include <rapidcheck/gtest.h>

#include "tests/unit/agent/connection/table_fixture.h"
#include "tests/unit/agent/connection/traffic.h"

namespace wirespan::connection {
namespace {

Plan AnyPlan(std::mt19937& random) {
  Plan plan;
  plan.style = static_cast<Style>(random() % 3);
  plan.client = random() % 2 == 0;
  plan.gaps = random() % 2 == 0;
  plan.shuffle = random() % 2 == 0;
  plan.exchanges = 1 + static_cast<int>(random() % 12);
  return plan;
}

RC_GTEST_PROP(ConnectionPropertyTest, EveryExchangeComesOutOnceAndExact, (std::uint32_t seed)) {
  std::mt19937 random(seed);
  const Plan plan = AnyPlan(random);
  const Conversation conversation = MakeConversation(random, plan);
  TableUnderTest test;
  test.Send(conversation.events);
  test.ExpectClosedLedger();
  RC_ASSERT(test.recorder.breaches == 0u);
  RC_ASSERT(test.recorder.exchanges.size() == conversation.exchanges.size());
  for (std::size_t i = 0; i < conversation.exchanges.size(); ++i) {
    const Exchanged& truth = conversation.exchanges[i];
    const protocol::Exchange& seen = test.recorder.exchanges[i].exchange;
    RC_ASSERT(seen.side == (plan.client ? protocol::Side::kClient : protocol::Side::kServer));
    RC_ASSERT(seen.method == truth.method);
    RC_ASSERT(seen.target == "/" + std::to_string(i));
    RC_ASSERT(seen.response_content_type == "x/" + std::to_string(i));
    RC_ASSERT(seen.status == truth.status);
    RC_ASSERT(seen.outcome == protocol::Outcome::kComplete);
    RC_ASSERT(seen.incomplete == 0);
    RC_ASSERT(seen.request_body_bytes == truth.request_body);
    RC_ASSERT(seen.response_body_bytes == truth.response_body);
    RC_ASSERT(seen.request_start_ns <= seen.request_end_ns);
    RC_ASSERT(seen.response_start_ns <= seen.response_end_ns);
    RC_ASSERT(seen.request_start_ns <= seen.response_start_ns);
    if (plan.style == Style::kSequential) RC_ASSERT(!seen.overlapped);
  }
}

// Events vanish, or come without their bytes; time goes on and waits end.
void CheckNoWrongPair(std::uint32_t seed, double lose, double blank, std::size_t& reported,
                      std::size_t& all) {
  std::mt19937 random(seed);
  Plan plan = AnyPlan(random);
  if (plan.style == Style::kSliding) plan.style = Style::kBatches;
  plan.shuffle = false;
  plan.lose = lose;
  plan.blank = blank;
  plan.exchanges += 8;
  const Conversation conversation = MakeConversation(random, plan);
  TableUnderTest test;
  std::uint64_t now_ns = 0;
  for (const testing::OwnedEvent& event : conversation.events) {
    test.Send(event);
    now_ns = std::max(now_ns, std::visit([](const auto& one) { return one.ts_ns; }, event.event));
    if (random() % 4 == 0) test.table.Tick(now_ns);
    if (random() % 40 == 0) test.table.Tick(now_ns + random() % 3'000'000'000u);
  }
  test.ExpectClosedLedger();
  RC_ASSERT(test.table.open_exchanges() == 0u);
  RC_ASSERT(test.table.held_events() == 0u);
  RC_ASSERT(test.recorder.breaches == 0u);
  RC_ASSERT(test.recorder.open() == 0u);
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const protocol::Exchange& seen = observed.exchange;
    // A head that was cut may lack its target or its type; what is there must agree.
    if (seen.response_content_type.empty() ||
        (seen.incomplete & protocol::kIncompleteRequestHead) != 0 ||
        (seen.incomplete & protocol::kIncompleteResponseHead) != 0) {
      continue;
    }
    RC_ASSERT("x" + seen.target.str() == seen.response_content_type);
    const Exchanged& truth = conversation.exchanges.at(std::stoul(seen.target.str().substr(1)));
    RC_ASSERT(seen.method == truth.method);
    RC_ASSERT(seen.status == truth.status);
    ++reported;
  }
  all += conversation.exchanges.size();
}

RC_GTEST_PROP(ConnectionPropertyTest, NeverPairsWrongAfterLostEvents, (std::uint32_t seed)) {
  std::size_t reported = 0;
  std::size_t all = 0;
  CheckNoWrongPair(seed, 0.03, 0, reported, all);
}

RC_GTEST_PROP(ConnectionPropertyTest, NeverPairsWrongAfterBytesThatWereNotCaptured,
              (std::uint32_t seed)) {
  std::size_t reported = 0;
  std::size_t all = 0;
  CheckNoWrongPair(seed, 0, 0.03, reported, all);
}

// Conversations that once had an answer told with another request.
TEST(ConnectionPropertyTest, NeverPairsWrongWhereItOnceDid) {
  std::size_t reported = 0;
  std::size_t all = 0;
  // Holes of both directions concluded in another order than they were.
  for (const std::uint32_t seed : {74446u, 90339u, 94297u, 190108u, 227091u})
    CheckNoWrongPair(seed, 0.03, 0, reported, all);
  // The answer to an unknown HEAD, whose body is not there.
  for (const std::uint32_t seed : {8852u, 35431u, 90277u, 252396u})
    CheckNoWrongPair(seed, 0.03, 0, reported, all);
  for (const std::uint32_t seed : {9448u, 79473u, 79725u, 87281u, 98054u})
    CheckNoWrongPair(seed, 0, 0.03, reported, all);
  // Requests behind holes, pipelined or lost before the connection was recognised.
  for (const std::uint32_t seed : {269237u, 289651u, 761703u, 933637u})
    CheckNoWrongPair(seed, 0.03, 0, reported, all);
  EXPECT_GT(reported, 0u);
}

TEST(ConnectionPropertyTest, StillReportsMostOfWhatWasNotLost) {
  std::size_t reported = 0;
  std::size_t all = 0;
  for (std::uint32_t seed = 1; seed <= 300; ++seed)
    CheckNoWrongPair(seed, 0.001, 0.001, reported, all);
  EXPECT_GT(reported * 100, all * 85) << reported << " of " << all;
}

}  // namespace
}  // namespace wirespan::connection
