#include "gateway/sink/store/store_sender.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace wirespan::gateway::store {

namespace {

class StoreSender : public Sender {
 public:
  StoreSender(std::shared_ptr<TraceStore> store, std::shared_ptr<const void> companion)
      : store_(std::move(store)), companion_(std::move(companion)) {}

  ~StoreSender() override {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [&] { return under_way_ == 0; });
  }

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    {
      const std::lock_guard lock(mutex_);
      ++under_way_;
    }
    store_->Append(request.bytes.ToString(), [this, done = std::move(done)](Result<> written) {
      done(written ? Outcome{} : Outcome::Retry(std::move(written.error().message)));
      const std::lock_guard lock(mutex_);
      --under_way_;
      answered_.notify_all();
    });
  }

 private:
  const std::shared_ptr<TraceStore> store_;
  const std::shared_ptr<const void> companion_;
  std::mutex mutex_;  // guards under_way_
  std::condition_variable answered_;
  std::size_t under_way_ = 0;
};

}  // namespace

std::unique_ptr<Sender> CreateStoreSender(std::shared_ptr<TraceStore> store,
                                          std::shared_ptr<const void> companion) {
  return std::make_unique<StoreSender>(std::move(store), std::move(companion));
}

}  // namespace wirespan::gateway::store
