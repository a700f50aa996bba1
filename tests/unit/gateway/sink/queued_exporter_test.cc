#include "gateway/sink/queued_exporter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace wirespan::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A sink that the test answers by hand, or by itself with `automatic`.
class HandSender : public Sender {
 public:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void(Outcome)>> waiting;
    std::vector<Outcome> automatic;  // answers in order, the last one for ever; empty: by hand
    std::size_t sends = 0;
    std::vector<Outgoing> requests;

    bool WaitForSends(std::size_t count) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, seconds(30), [&] { return sends >= count; });
    }
    void AnswerNext(Outcome outcome) {
      std::function<void(Outcome)> done;
      {
        std::unique_lock lock(mutex);
        ASSERT_TRUE(changed.wait_for(lock, seconds(30), [&] { return !waiting.empty(); }));
        done = std::move(waiting.front());
        waiting.pop_front();
      }
      done(std::move(outcome));
    }
  };

  explicit HandSender(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~HandSender() override {
    for (auto& done : shared_->waiting) {
      done({.code = StatusCode::kCancelled, .retryable = true, .message = "cancelled"});
    }
    shared_->waiting.clear();
  }
  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    std::unique_lock lock(shared_->mutex);
    shared_->requests.push_back(std::move(request));
    const std::size_t index = shared_->sends++;
    shared_->changed.notify_all();
    if (shared_->automatic.empty()) {
      shared_->waiting.push_back(std::move(done));
      return;
    }
    Outcome outcome = shared_->automatic[std::min(index, shared_->automatic.size() - 1)];
    lock.unlock();
    done(std::move(outcome));
  }

 private:
  std::shared_ptr<Shared> shared_;
};

class QueuedExporterTest : public ::testing::Test {
 protected:
  void Make(QueueOptions queue, RetryOptions retry = {.initial_interval = milliseconds(1),
                                                      .max_interval = milliseconds(2)}) {
    exporter_ = std::make_unique<QueuedExporter>("otlp", Signal::kTraces, queue, retry,
                                                 std::make_unique<HandSender>(sink_), registry_);
  }
  Batch MakeBatch(std::uint64_t items = 1) {
    Batch batch;
    batch.items = items;
    batch.bytes = Bytes(std::string(10, 'x'));
    batch.ack = Ack([this](Outcome outcome) {
      std::lock_guard lock(mutex_);
      told_.push_back(std::move(outcome));
      changed_.notify_all();
    });
    return batch;
  }
  std::size_t answers() {
    std::lock_guard lock(mutex_);
    return told_.size();
  }
  bool WaitForAnswers(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(30), [&] { return told_.size() >= count; });
  }
  double Metric(std::string_view name, telemetry::Labels more = {}) {
    telemetry::Labels labels = {{"exporter", "otlp"}};
    labels.insert(labels.end(), more.begin(), more.end());
    return registry_.Value(name, labels);
  }
  std::uint64_t DrainNow() { return exporter_->Drain(steady_clock::now() + seconds(30)); }

  std::shared_ptr<HandSender::Shared> sink_ = std::make_shared<HandSender::Shared>();
  telemetry::Registry registry_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Outcome> told_;
  std::unique_ptr<QueuedExporter> exporter_;
};

TEST_F(QueuedExporterTest, AnswersAtOnceWhereTheFileSaysNotToWait) {
  Make({.wait_for_result = false});
  exporter_->Consume(MakeBatch(7));
  ASSERT_EQ(answers(), 1u);
  EXPECT_TRUE(told_[0].ok());
  EXPECT_TRUE(told_[0].in_memory);
  EXPECT_EQ(Metric("otelcol_exporter_sent_spans_total"), 0);
  EXPECT_EQ(Metric("otelcol_exporter_queue_size", {{"data_type", "traces"}}), 1);
  EXPECT_EQ(Metric("otelcol_exporter_queue_capacity", {{"data_type", "traces"}}), 1000);
  sink_->AnswerNext({});
  EXPECT_EQ(DrainNow(), 0u);
  EXPECT_EQ(Metric("otelcol_exporter_sent_spans_total"), 7);
}

TEST_F(QueuedExporterTest, AnswersAfterTheSinkWithTheQueueOff) {
  Make({.enabled = false});
  exporter_->Consume(MakeBatch());
  ASSERT_TRUE(sink_->WaitForSends(1));
  EXPECT_EQ(answers(), 0u);
  sink_->AnswerNext({});
  ASSERT_EQ(answers(), 1u);
  EXPECT_TRUE(told_[0].ok());
}

TEST_F(QueuedExporterTest, AnswersAfterTheSinkUnlessTheFileSaysOtherwise) {
  Make({});
  exporter_->Consume(MakeBatch());
  ASSERT_TRUE(sink_->WaitForSends(1));
  EXPECT_EQ(answers(), 0u);
  sink_->AnswerNext({});
  ASSERT_EQ(answers(), 1u);
  EXPECT_TRUE(told_[0].ok());
  EXPECT_FALSE(told_[0].in_memory);
}

TEST_F(QueuedExporterTest, WhatTheSinkRefusesForGoodIsCountedAndToldAsRejected) {
  Make({});
  exporter_->Consume(MakeBatch(3));
  sink_->AnswerNext(Outcome::Reject(StatusCode::kInvalidArgument, "no"));
  ASSERT_EQ(answers(), 1u);
  EXPECT_TRUE(told_[0].ok());
  EXPECT_EQ(told_[0].rejected_items, 3u);
  EXPECT_EQ(told_[0].message, "no");
  EXPECT_EQ(Metric("wirespan_exporter_dropped_items_total",
                   {{"data_type", "traces"}, {"reason", "failed"}}),
            3);
}

TEST_F(QueuedExporterTest, RefusesWhenFullAndSaysWhenToComeAgain) {
  Make({.num_consumers = 1, .queue_size = 2, .wait_for_result = false});
  for (int i = 0; i < 3; ++i) exporter_->Consume(MakeBatch(5));
  ASSERT_EQ(answers(), 3u);
  EXPECT_TRUE(told_[1].ok());
  EXPECT_TRUE(told_[2].retryable);
  EXPECT_TRUE(told_[2].retry_after.has_value());
  EXPECT_EQ(Metric("otelcol_exporter_enqueue_failed_spans_total"), 5);
}

TEST_F(QueuedExporterTest, CountsTheQueueInTheUnitOfItsSizer) {
  Make({.queue_size = 10, .sizer = Sizer::kItems, .wait_for_result = false});
  exporter_->Consume(MakeBatch(8));
  exporter_->Consume(MakeBatch(8));
  EXPECT_TRUE(told_[0].ok());
  EXPECT_TRUE(told_[1].retryable);
  EXPECT_EQ(Metric("otelcol_exporter_queue_size", {{"data_type", "traces"}}), 8);
}

TEST_F(QueuedExporterTest, SendsNoMoreAtATimeThanItHasConsumers) {
  Make({.num_consumers = 2});
  for (int i = 0; i < 5; ++i) exporter_->Consume(MakeBatch());
  ASSERT_TRUE(sink_->WaitForSends(2));
  EXPECT_EQ(sink_->sends, 2u);
  sink_->AnswerNext({});
  EXPECT_TRUE(sink_->WaitForSends(3));
}

TEST_F(QueuedExporterTest, RetriesWhatMayBeRetried) {
  sink_->automatic = {Outcome::Retry("down"), Outcome::Retry("down"), Outcome{}};
  Make({});
  exporter_->Consume(MakeBatch(3));
  ASSERT_TRUE(sink_->WaitForSends(3));
  EXPECT_EQ(DrainNow(), 0u);
  EXPECT_EQ(Metric("otelcol_exporter_sent_spans_total"), 3);
  EXPECT_EQ(Metric("otelcol_exporter_send_failed_spans_total"), 0);
  EXPECT_EQ(Metric("wirespan_exporter_retries_total", {{"data_type", "traces"}}), 2);
}

TEST_F(QueuedExporterTest, NeverRetriesARefusal) {
  sink_->automatic = {Outcome::Reject(StatusCode::kInvalidArgument, "no")};
  Make({.enabled = false});
  exporter_->Consume(MakeBatch(3));
  ASSERT_TRUE(WaitForAnswers(1));
  EXPECT_EQ(sink_->sends, 1u);
  EXPECT_EQ(Metric("otelcol_exporter_send_failed_spans_total"), 3);
}

TEST_F(QueuedExporterTest, GivesUpAfterMaxElapsedTime) {
  sink_->automatic = {Outcome::Retry("down")};
  Make({.enabled = false}, {.initial_interval = milliseconds(1),
                            .max_interval = milliseconds(2),
                            .max_elapsed_time = milliseconds(20)});
  exporter_->Consume(MakeBatch(3));
  ASSERT_TRUE(WaitForAnswers(1));
  EXPECT_TRUE(told_[0].retryable);
  EXPECT_GT(sink_->sends, 1u);
  EXPECT_EQ(Metric("otelcol_exporter_send_failed_spans_total"), 3);
}

TEST_F(QueuedExporterTest, WaitsAtLeastAsLongAsThePeerAsks) {
  sink_->automatic = {Outcome::Retry("busy", milliseconds(60)), Outcome{}};
  Make({.enabled = false});
  const auto start = steady_clock::now();
  exporter_->Consume(MakeBatch());
  ASSERT_TRUE(WaitForAnswers(1));
  EXPECT_GE(steady_clock::now() - start, milliseconds(60));
  EXPECT_EQ(sink_->sends, 2u);
}

TEST_F(QueuedExporterTest, CountsAPartialSuccessAndDoesNotRetryIt) {
  Outcome partial;
  partial.rejected_items = 2;
  partial.message = "bad ids";
  sink_->automatic = {partial};
  Make({.enabled = false});
  exporter_->Consume(MakeBatch(5));
  ASSERT_TRUE(WaitForAnswers(1));
  EXPECT_EQ(sink_->sends, 1u);
  EXPECT_EQ(told_[0].rejected_items, 2u);
  EXPECT_EQ(Metric("otelcol_exporter_sent_spans_total"), 3);
  EXPECT_EQ(Metric("wirespan_exporter_rejected_items_total", {{"data_type", "traces"}}), 2);
}

TEST_F(QueuedExporterTest, CountsWhatIsLeftAtShutdownAndAnswersWhoWaits) {
  Make({.num_consumers = 1, .wait_for_result = false});
  for (int i = 0; i < 3; ++i) exporter_->Consume(MakeBatch(4));
  EXPECT_EQ(answers(), 3u);
  EXPECT_EQ(exporter_->Drain(steady_clock::now()), 12u);
  EXPECT_EQ(Metric("wirespan_exporter_dropped_items_total",
                   {{"data_type", "traces"}, {"reason", "shutdown"}}),
            12);
  exporter_->Consume(MakeBatch());
  EXPECT_TRUE(told_.back().retryable);
}

TEST_F(QueuedExporterTest, TellsUnansweredSendersToRetryAtShutdown) {
  Make({.enabled = false});
  exporter_->Consume(MakeBatch(4));
  ASSERT_TRUE(sink_->WaitForSends(1));
  EXPECT_EQ(exporter_->Drain(steady_clock::now()), 4u);
  ASSERT_EQ(answers(), 1u);
  EXPECT_TRUE(told_[0].retryable);
  EXPECT_EQ(Metric("wirespan_exporter_dropped_items_total",
                   {{"data_type", "traces"}, {"reason", "shutdown"}}),
            0);
}

TEST_F(QueuedExporterTest, DrainTriesAtOnceWhatWaitsForARetry) {
  sink_->automatic = {Outcome::Retry("down"), Outcome{}};
  Make({.wait_for_result = false},
       {.initial_interval = seconds(3600), .max_interval = seconds(3600), .max_elapsed_time = {}});
  exporter_->Consume(MakeBatch(4));
  ASSERT_TRUE(sink_->WaitForSends(1));
  EXPECT_EQ(DrainNow(), 0u);
  EXPECT_EQ(Metric("otelcol_exporter_sent_spans_total"), 4);
}

TEST_F(QueuedExporterTest, GivesBackWhatItCanNotDeliverSoonToASenderThatWaits) {
  sink_->automatic = {Outcome::Retry("down")};
  Make({.patience = milliseconds(20)}, {.initial_interval = seconds(60)});
  exporter_->Consume(MakeBatch(3));
  ASSERT_TRUE(WaitForAnswers(1));
  EXPECT_TRUE(told_[0].retryable);
  EXPECT_GE(told_[0].retry_after.value_or(milliseconds(0)), seconds(30));
  EXPECT_EQ(sink_->sends, 1u);
}

TEST_F(QueuedExporterTest, KnownToBeDownItRefusesAtTheDoorAndEmptiesItsQueue) {
  Make({.num_consumers = 1, .patience = milliseconds(0)}, {.initial_interval = seconds(60)});
  const auto start = steady_clock::now();
  // Failures for longer than a second.
  while (!exporter_->gate()->down()) {
    ASSERT_LT(steady_clock::now() - start, seconds(30));
    exporter_->Consume(MakeBatch());
    exporter_->Consume(MakeBatch());
    sink_->AnswerNext(Outcome::Retry("down"));
  }
  EXPECT_GE(steady_clock::now() - start, seconds(1));
  // Nobody waits in the queue of an exporter that is down.
  std::size_t sent = sink_->sends;
  const auto refused = exporter_->gate()->Reserve(1, 1);
  EXPECT_EQ(refused.verdict, Gate::Verdict::kRefused);
  EXPECT_TRUE(refused.refusal.retryable);
  EXPECT_GT(refused.refusal.retry_after.value_or(milliseconds(0)), seconds(20));
  EXPECT_EQ(exporter_->gate()->used(), 0u);
  EXPECT_EQ(answers(), 2 * sent);
}

TEST_F(QueuedExporterTest, WhoGaveUpIsNotSent) {
  Make({.num_consumers = 1});
  exporter_->Consume(MakeBatch());
  Batch second = MakeBatch(4);
  auto lease = std::make_shared<Lease>();
  second.leases.push_back(lease);
  exporter_->Consume(std::move(second));
  lease->Withdraw();
  sink_->AnswerNext({});
  ASSERT_TRUE(WaitForAnswers(2));
  EXPECT_EQ(sink_->sends, 1u);
  EXPECT_TRUE(told_[1].retryable);
  EXPECT_EQ(Metric("wirespan_exporter_withdrawn_items_total", {{"data_type", "traces"}}), 4);
}

TEST_F(QueuedExporterTest, WhoGaveUpDuringARetryMakesRoomForTheNext) {
  Make({.num_consumers = 1}, {.initial_interval = milliseconds(30)});
  Batch first = MakeBatch();
  auto lease = std::make_shared<Lease>();
  first.leases.push_back(lease);
  exporter_->Consume(std::move(first));
  exporter_->Consume(MakeBatch());
  sink_->AnswerNext(Outcome::Retry("later"));
  lease->Withdraw();
  ASSERT_TRUE(sink_->WaitForSends(2));
  sink_->AnswerNext({});
  ASSERT_TRUE(WaitForAnswers(2));
  EXPECT_TRUE(told_[1].ok());
}

TEST_F(QueuedExporterTest, TakesWhatItsGateLetInWhateverTheQueueHolds) {
  Make({.num_consumers = 1, .queue_size = 1});
  auto lease = std::make_shared<Lease>();
  const Gates gates = {exporter_->gate()};
  ASSERT_EQ(lease->Reserve(gates, 1, 1).answer.verdict, Gate::Verdict::kGranted);
  EXPECT_EQ(exporter_->gate()->Reserve(1, 1).verdict, Gate::Verdict::kRefused);
  // Cut in two on its way, both parts are taken.
  for (int part = 0; part < 2; ++part) {
    Batch batch = MakeBatch();
    batch.leases.push_back(lease);
    exporter_->Consume(std::move(batch));
  }
  lease.reset();
  EXPECT_EQ(exporter_->gate()->used(), 2u);
  sink_->AnswerNext({});
  sink_->AnswerNext({});
  ASSERT_TRUE(WaitForAnswers(2));
  EXPECT_TRUE(told_[0].ok() && told_[1].ok());
  EXPECT_EQ(exporter_->gate()->used(), 0u);
}

TEST_F(QueuedExporterTest, JoinsWhatWaitsUpToASizeAndAnswersEach) {
  Make({.num_consumers = 1, .batch = QueueBatchOptions{.min_size = 4, .max_size = 4}});
  for (int i = 0; i < 5; ++i) exporter_->Consume(MakeBatch(2));
  sink_->AnswerNext({});
  ASSERT_TRUE(sink_->WaitForSends(2));
  sink_->AnswerNext({});
  ASSERT_TRUE(sink_->WaitForSends(3));
  sink_->AnswerNext({});
  ASSERT_TRUE(WaitForAnswers(5));
  EXPECT_EQ(sink_->sends, 3u);  // 2, 2+2, 2+2: nothing waits while a slot is free
  EXPECT_EQ(Metric("otelcol_exporter_sent_spans_total"), 10);
}

TEST_F(QueuedExporterTest, JoinsRequestsOfOneTenantAloneAndKeepsNothingButItsKeys) {
  Make({.num_consumers = 1,
        .batch = QueueBatchOptions{.min_size = 4, .max_size = 4},
        .metadata_keys = {"x-tenant"}});
  const auto consume = [&](const char* tenant) {
    Batch batch = MakeBatch();
    std::vector<Metadata::Entry> entries = {{.key = "x-other", .values = {"o"}}};
    if (tenant != nullptr) entries.push_back({.key = "x-tenant", .values = {tenant}});
    batch.metadata = std::make_shared<const Metadata>(std::move(entries));
    exporter_->Consume(std::move(batch));
  };
  const char* const tenants[] = {"a", "a", "b", "a", nullptr, "b", "a"};
  for (const char* tenant : tenants) consume(tenant);
  for (std::size_t send = 1; send <= 4; ++send) {
    ASSERT_TRUE(sink_->WaitForSends(send));
    sink_->AnswerNext({});
  }
  ASSERT_TRUE(WaitForAnswers(7));
  std::vector<std::pair<std::string, std::uint64_t>> sent;
  for (const Outgoing& request : sink_->requests) {
    if (request.metadata) {
      EXPECT_EQ(request.metadata->entries().size(), 1u);
    }
    sent.emplace_back(request.metadata ? request.metadata->Find("x-tenant")->front() : "-",
                      request.items);
  }
  const decltype(sent) expected = {{"a", 1}, {"a", 3}, {"b", 2}, {"-", 1}};
  EXPECT_EQ(sent, expected);
}

TEST_F(QueuedExporterTest, ItsGaugesEndWithItAndItsCountersStay) {
  Make({});
  exporter_->Consume(MakeBatch());
  sink_->AnswerNext({});
  ASSERT_TRUE(WaitForAnswers(1));
  EXPECT_NE(registry_.Text().find("otelcol_exporter_queue_size{"), std::string::npos);
  exporter_.reset();
  const std::string text = registry_.Text();
  for (const char* gauge : {"queue_size{", "queue_capacity{", "in_flight_requests{"}) {
    EXPECT_EQ(text.find("otelcol_exporter_" + std::string(gauge)), std::string::npos) << gauge;
  }
  EXPECT_NE(text.find("otelcol_exporter_sent_spans_total{"), std::string::npos);
}

}  // namespace
}  // namespace wirespan::gateway
