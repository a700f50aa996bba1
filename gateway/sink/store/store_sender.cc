#include "gateway/sink/store/store_sender.h"

#include <utility>

#include "gateway/sink/store/under_way.h"

namespace wirespan::gateway::store {

namespace {

class StoreSender : public Sender {
 public:
  StoreSender(std::shared_ptr<TraceStore> store, std::shared_ptr<const void> companion)
      : store_(std::move(store)), companion_(std::move(companion)) {}

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    store_->Append(request.bytes.ToString(),
                   under_way_.Until([done = std::move(done)](Result<> written) {
                     done(written ? Outcome{} : Outcome::Retry(std::move(written.error().message)));
                   }));
  }

 private:
  const std::shared_ptr<TraceStore> store_;
  const std::shared_ptr<const void> companion_;
  UnderWay under_way_{};  // ends first: it waits for answers
};

}  // namespace

std::unique_ptr<Sender> CreateStoreSender(std::shared_ptr<TraceStore> store,
                                          std::shared_ptr<const void> companion) {
  return std::make_unique<StoreSender>(std::move(store), std::move(companion));
}

}  // namespace wirespan::gateway::store
