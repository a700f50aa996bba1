#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "common/otlp/wire.h"
#include "gateway/pipeline/batch.h"

namespace wirespan::gateway {

// The end of a pipeline: keeps what comes, unanswered, and is ready as long as it is told to be.
class Collected : public Consumer {
 public:
  void Consume(Batch batch) override {
    std::lock_guard lock(mutex_);
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  bool Ready() const override {
    std::lock_guard lock(mutex_);
    return ready_;
  }
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    slots_.Add(std::move(listener));
  }

  void SetReady(bool ready) {
    {
      std::lock_guard lock(mutex_);
      ready_ = ready;
    }
    if (ready) slots_.Notify();
  }
  bool WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return batches_.size() >= count; });
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return batches_.size();
  }
  // Stays where it is while others come.
  Batch& at(std::size_t i) {
    std::lock_guard lock(mutex_);
    return batches_.at(i);
  }

 private:
  SlotSignal slots_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool ready_ = true;
};

inline std::string Spans(std::size_t count) {
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

inline Batch MakeBatch(std::size_t items, Outcome* told = nullptr, int* times = nullptr) {
  Batch batch;
  batch.items = items;
  batch.bytes = Bytes(Spans(items));
  batch.ack = Ack([told, times](Outcome outcome) {
    if (told != nullptr) *told = std::move(outcome);
    if (times != nullptr) ++*times;
  });
  return batch;
}

}  // namespace wirespan::gateway
