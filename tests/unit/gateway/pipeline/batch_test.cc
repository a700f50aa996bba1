#include "gateway/pipeline/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "common/otlp/walk.h"
#include "common/otlp/wire.h"
#include "gateway/pipeline/batch_processor.h"
#include "gateway/pipeline/memory_budget.h"

namespace wirespan::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Collected : public Consumer {
 public:
  void Consume(Batch batch) override {
    std::lock_guard lock(mutex_);
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  bool WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(30), [&] { return batches_.size() >= count; });
  }
  std::size_t size() {
    std::lock_guard lock(mutex_);
    return batches_.size();
  }
  Batch& at(std::size_t i) { return batches_.at(i); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch> batches_;
};

std::string Spans(std::size_t count) {
  std::string span;
  otlp::AppendBytesField(span, 1, std::string(16, '\1'));
  otlp::AppendBytesField(span, 2, std::string(8, '\2'));
  otlp::AppendBytesField(span, 5, "GET /");
  std::string scope;
  for (std::size_t i = 0; i < count; ++i) otlp::AppendBytesField(scope, 2, span);
  std::string resource;
  otlp::AppendBytesField(resource, 2, scope);
  std::string request;
  otlp::AppendBytesField(request, 1, resource);
  return request;
}

Batch MakeBatch(std::size_t items, Outcome* told = nullptr, int* times = nullptr) {
  Batch batch;
  batch.items = items;
  batch.bytes = Bytes(Spans(items));
  batch.ack = Ack([told, times](Outcome outcome) {
    if (told != nullptr) *told = std::move(outcome);
    if (times != nullptr) ++*times;
  });
  return batch;
}

TEST(BytesTest, JoinsWithoutCopying) {
  Bytes joined(std::string("abc"));
  const char* where = joined.pieces().front().view.data();
  Bytes copy = joined;
  copy.Append(Bytes(std::string("def")));
  EXPECT_EQ(copy.size(), 6u);
  EXPECT_EQ(copy.ToString(), "abcdef");
  EXPECT_EQ(copy.pieces().front().view.data(), where);
  EXPECT_EQ(joined.size(), 3u);
}

TEST(FanOutTest, SharesBytesAndWaitsForAll) {
  Collected one;
  Collected two;
  FanOut fan({&one, &two});
  int times = 0;
  Outcome told;
  fan.Consume(MakeBatch(2, &told, &times));
  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_EQ(one.at(0).bytes.pieces()[0].view.data(), two.at(0).bytes.pieces()[0].view.data());
  one.at(0).ack.Answer({});
  EXPECT_EQ(times, 0);
  two.at(0).ack.Answer({});
  EXPECT_EQ(times, 1);
  EXPECT_TRUE(told.ok());
}

TEST(MemoryBudgetTest, RefusesBeyondItsLimitAndCountsCopiesOnce) {
  auto budget = MemoryBudget::Create(100);
  auto lease = budget->Lease(60);
  ASSERT_TRUE(lease);
  auto copy = lease;
  EXPECT_EQ(budget->used_bytes(), 60u);
  EXPECT_FALSE(budget->Lease(41));
  EXPECT_TRUE(budget->Lease(40));
  lease.reset();
  EXPECT_EQ(budget->used_bytes(), 60u);
  copy.reset();
  EXPECT_EQ(budget->used_bytes(), 0u);
  EXPECT_FALSE(budget->Lease(static_cast<std::size_t>(-1)));
}

TEST(BatchProcessorTest, JoinsUntilTheSizeIsReached) {
  telemetry::Registry registry;
  Collected next;
  BatchProcessor processor("batch", {.timeout = seconds(3600), .send_batch_size = 5}, next,
                           registry);
  processor.Consume(MakeBatch(2));
  processor.Consume(MakeBatch(2));
  EXPECT_EQ(next.size(), 0u);
  processor.Consume(MakeBatch(2));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next.at(0).items, 6u);
  const std::string joined = next.at(0).bytes.ToString();
  EXPECT_EQ(joined, Spans(2) + Spans(2) + Spans(2));
  EXPECT_EQ(otlp::Walk(Signal::kTraces, joined).items, 6u);
  EXPECT_EQ(registry.Value("otelcol_processor_batch_batch_size_trigger_send_total",
                           {{"processor", "batch"}}),
            1);
}

TEST(BatchProcessorTest, PassesOnWhatIsOldEnough) {
  telemetry::Registry registry;
  Collected next;
  BatchProcessor processor("batch", {.timeout = milliseconds(5)}, next, registry);
  processor.Consume(MakeBatch(1));
  ASSERT_TRUE(next.WaitFor(1));
  EXPECT_EQ(next.at(0).items, 1u);
}

TEST(BatchProcessorTest, AnswersEachPartOnlyWhenTheJoinedBatchIsAnswered) {
  telemetry::Registry registry;
  Collected next;
  BatchProcessor processor("batch", {.timeout = seconds(3600), .send_batch_size = 2}, next,
                           registry);
  int times = 0;
  Outcome first;
  Outcome second;
  processor.Consume(MakeBatch(1, &first, &times));
  processor.Consume(MakeBatch(1, &second, &times));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(times, 0);
  next.at(0).ack.Answer(Outcome::Retry("sink is down"));
  EXPECT_EQ(times, 2);
  EXPECT_EQ(first.message, "sink is down");
  EXPECT_TRUE(second.retryable);
}

TEST(BatchProcessorTest, SplitsAboveTheMaximumAndJoinsTheAnswers) {
  telemetry::Registry registry;
  Collected next;
  BatchProcessor processor(
      "batch", {.timeout = seconds(3600), .send_batch_size = 7, .send_batch_max_size = 3}, next,
      registry);
  int times = 0;
  processor.Consume(MakeBatch(7, nullptr, &times));
  ASSERT_EQ(next.size(), 3u);
  std::uint64_t items = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_LE(next.at(i).items, 3u);
    EXPECT_EQ(otlp::Walk(Signal::kTraces, next.at(i).bytes.ToString()).items, next.at(i).items);
    items += next.at(i).items;
    EXPECT_EQ(times, 0);
    next.at(i).ack.Answer({});
  }
  EXPECT_EQ(items, 7u);
  EXPECT_EQ(times, 1);
}

TEST(BatchProcessorTest, HoldsNothingOnceItDrains) {
  telemetry::Registry registry;
  Collected next;
  BatchProcessor processor("batch", {.timeout = seconds(3600)}, next, registry);
  processor.Consume(MakeBatch(1));
  processor.Drain();
  EXPECT_EQ(next.size(), 1u);
  processor.Consume(MakeBatch(1));
  EXPECT_EQ(next.size(), 2u);
}

TEST(BatchProcessorTest, PassesEverythingAtOnceWithATimeoutOfZero) {
  telemetry::Registry registry;
  Collected next;
  BatchProcessor processor("batch", {.timeout = milliseconds(0)}, next, registry);
  processor.Consume(MakeBatch(1));
  EXPECT_EQ(next.size(), 1u);
}

}  // namespace
}  // namespace wirespan::gateway
