#include "gateway/pipeline/batch_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/otlp/walk.h"
#include "tests/unit/gateway/pipeline/collected.h"

namespace wirespan::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kNever{3600};

class BatchProcessorTest : public testing::Test {
 protected:
  double Triggers(std::string_view what) { return registry_.Value(what, {{"processor", "batch"}}); }
  static Batch From(std::string tenant, std::string other = "") {
    Batch batch = MakeBatch(1);
    std::vector<Metadata::Entry> entries{{"x-tenant", {std::move(tenant)}},
                                         {"x-request-id", {std::move(other)}}};
    batch.metadata = std::make_shared<const Metadata>(std::move(entries));
    return batch;
  }

  telemetry::Registry registry_;
  Collected next_;
};

TEST_F(BatchProcessorTest, PassesEverythingOnAtOnceWhileAnExporterIsReady) {
  BatchProcessor processor("batch", {.timeout = kNever, .send_batch_size = 5}, next_, registry_);
  for (std::size_t i = 1; i <= 3; ++i) {
    processor.Consume(MakeBatch(1));
    EXPECT_EQ(next_.size(), i);  // on the sender's own thread: it adds no time at all
  }
  EXPECT_EQ(Triggers("wirespan_processor_batch_slot_trigger_send_total"), 3);
}

TEST_F(BatchProcessorTest, JoinsWhatArrivesWhileAllAreBusyAndSendsItWhenASlotIsFree) {
  BatchProcessor processor("batch", {.timeout = kNever}, next_, registry_);
  next_.SetReady(false);
  processor.Consume(MakeBatch(2));
  processor.Consume(MakeBatch(3));
  EXPECT_EQ(next_.size(), 0u);
  next_.SetReady(true);
  ASSERT_EQ(next_.size(), 1u);
  EXPECT_EQ(next_.at(0).items, 5u);
  EXPECT_EQ(next_.at(0).bytes.ToString(), Spans(2) + Spans(3));
}

TEST_F(BatchProcessorTest, MissesNoSlotThatBecomesFreeWhileABatchArrives) {
  BatchProcessor processor("batch", {.timeout = kNever, .send_batch_size = 0}, next_, registry_);
  std::atomic<bool> done = false;
  std::jthread toggles([&] {
    while (!done) {
      next_.SetReady(false);
      next_.SetReady(true);
    }
  });
  for (int i = 0; i < 20000; ++i) processor.Consume(MakeBatch(1));
  done = true;
  toggles.join();
  std::uint64_t items = 0;
  for (std::size_t i = 0; i < next_.size(); ++i) items += next_.at(i).items;
  EXPECT_EQ(items, 20000u);  // nothing waits although it could go
}

TEST_F(BatchProcessorTest, SendsAFullBatchEvenIfAllAreBusy) {
  BatchProcessor processor("batch", {.timeout = kNever, .send_batch_size = 5}, next_, registry_);
  next_.SetReady(false);
  processor.Consume(MakeBatch(2));
  processor.Consume(MakeBatch(2));
  EXPECT_EQ(next_.size(), 0u);
  processor.Consume(MakeBatch(2));
  ASSERT_EQ(next_.size(), 1u);
  EXPECT_EQ(next_.at(0).items, 6u);
  const std::string joined = next_.at(0).bytes.ToString();
  EXPECT_EQ(joined, Spans(2) + Spans(2) + Spans(2));
  EXPECT_EQ(otlp::Walk(Signal::kTraces, joined).items, 6u);
  EXPECT_EQ(Triggers("otelcol_processor_batch_batch_size_trigger_send_total"), 1);
}

TEST_F(BatchProcessorTest, PassesOnWhatIsOldEnough) {
  BatchProcessor processor("batch", {.timeout = milliseconds(5)}, next_, registry_);
  next_.SetReady(false);
  processor.Consume(MakeBatch(1));
  ASSERT_TRUE(next_.WaitFor(1));
  EXPECT_EQ(next_.at(0).items, 1u);
  EXPECT_EQ(Triggers("otelcol_processor_batch_timeout_trigger_send_total"), 1);
}

TEST_F(BatchProcessorTest, AnswersEachPartOnlyWhenTheJoinedBatchIsAnswered) {
  BatchProcessor processor("batch", {.timeout = kNever, .send_batch_size = 2}, next_, registry_);
  next_.SetReady(false);
  int times = 0;
  Outcome first;
  Outcome second;
  processor.Consume(MakeBatch(1, &first, &times));
  processor.Consume(MakeBatch(1, &second, &times));
  ASSERT_EQ(next_.size(), 1u);
  EXPECT_EQ(times, 0);
  next_.at(0).ack.Answer(Outcome::Retry("sink is down"));
  EXPECT_EQ(times, 2);
  EXPECT_EQ(first.message, "sink is down");
  EXPECT_TRUE(second.retryable);
}

TEST_F(BatchProcessorTest, SplitsAboveTheMaximumAndJoinsTheAnswers) {
  BatchProcessor processor("batch",
                           {.timeout = kNever, .send_batch_size = 7, .send_batch_max_size = 3},
                           next_, registry_);
  int times = 0;
  processor.Consume(MakeBatch(7, nullptr, &times));
  ASSERT_EQ(next_.size(), 3u);
  std::uint64_t items = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_LE(next_.at(i).items, 3u);
    EXPECT_EQ(otlp::Walk(Signal::kTraces, next_.at(i).bytes.ToString()).items, next_.at(i).items);
    items += next_.at(i).items;
    EXPECT_EQ(times, 0);
    next_.at(i).ack.Answer({});
  }
  EXPECT_EQ(items, 7u);
  EXPECT_EQ(times, 1);
}

TEST_F(BatchProcessorTest, NeverMixesTenantsAndKeepsOnlyTheirKeys) {
  BatchProcessor processor("batch", {.timeout = kNever, .metadata_keys = {"x-tenant"}}, next_,
                           registry_);
  next_.SetReady(false);
  processor.Consume(From("a", "1"));
  processor.Consume(From("b", "2"));
  processor.Consume(From("a", "3"));
  processor.Consume(MakeBatch(1));  // no metadata at all: a tenant of its own
  EXPECT_EQ(Triggers("otelcol_processor_batch_metadata_cardinality"), 0);  // set when one leaves
  next_.SetReady(true);
  ASSERT_EQ(next_.size(), 3u);
  EXPECT_EQ(next_.at(0).items, 2u);
  const Metadata a(std::vector<Metadata::Entry>{{"x-tenant", {"a"}}});
  const Metadata b(std::vector<Metadata::Entry>{{"x-tenant", {"b"}}});
  EXPECT_EQ(*next_.at(0).metadata, a);
  EXPECT_EQ(next_.at(1).items, 1u);
  EXPECT_EQ(*next_.at(1).metadata, b);
  EXPECT_EQ(next_.at(2).metadata, nullptr);
}

TEST_F(BatchProcessorTest, PassesOnAloneWhatExceedsTheNumberOfCombinations) {
  BatchProcessor processor(
      "batch", {.timeout = kNever, .metadata_keys = {"x-tenant"}, .metadata_cardinality_limit = 2},
      next_, registry_);
  next_.SetReady(false);
  processor.Consume(From("a"));
  processor.Consume(From("b"));
  EXPECT_EQ(next_.size(), 0u);
  processor.Consume(From("c"));
  ASSERT_EQ(next_.size(), 1u);
  EXPECT_EQ(next_.at(0).metadata->Find("x-tenant")->front(), "c");
  processor.Consume(From("b"));
  EXPECT_EQ(next_.size(), 1u);
}

TEST_F(BatchProcessorTest, KeepsNoMetadataWithoutKeys) {
  BatchProcessor processor("batch", {}, next_, registry_);
  processor.Consume(From("a"));
  ASSERT_EQ(next_.size(), 1u);
  EXPECT_EQ(next_.at(0).metadata, nullptr);
}

TEST_F(BatchProcessorTest, HoldsNothingOnceItDrains) {
  BatchProcessor processor("batch", {.timeout = kNever}, next_, registry_);
  next_.SetReady(false);
  processor.Consume(MakeBatch(1));
  EXPECT_EQ(next_.size(), 0u);
  processor.Drain();
  EXPECT_EQ(next_.size(), 1u);
  processor.Consume(MakeBatch(1));
  EXPECT_EQ(next_.size(), 2u);
}

TEST_F(BatchProcessorTest, PassesOnWhatItHoldsWhenItEndsAndIgnoresLaterSlots) {
  {
    BatchProcessor processor("batch", {.timeout = kNever}, next_, registry_);
    next_.SetReady(false);
    processor.Consume(MakeBatch(1));
  }
  EXPECT_EQ(next_.size(), 1u);
  next_.SetReady(true);
  EXPECT_EQ(next_.size(), 1u);
}

TEST_F(BatchProcessorTest, PassesEverythingAtOnceWithATimeoutOfZero) {
  BatchProcessor processor("batch", {.timeout = milliseconds(0)}, next_, registry_);
  next_.SetReady(false);
  processor.Consume(MakeBatch(1));
  EXPECT_EQ(next_.size(), 1u);
}

}  // namespace
}  // namespace wirespan::gateway
