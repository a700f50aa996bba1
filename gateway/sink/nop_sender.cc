#include "gateway/sink/nop_sender.h"

namespace wirespan::gateway {

namespace {

class NopSender : public Sender {
 public:
  void Send(Outgoing, std::function<void(Outcome)> done) override { done({}); }
};

}  // namespace

std::unique_ptr<Sender> CreateNopSender() { return std::make_unique<NopSender>(); }

}  // namespace wirespan::gateway
