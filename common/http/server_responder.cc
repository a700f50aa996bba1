#include "common/http/server_core.h"

namespace wirespan::http::internal {
namespace {

class SessionStream final : public BodyStream {
 public:
  SessionStream(std::shared_ptr<Core> core, std::weak_ptr<ExchangeSession> session,
                std::shared_ptr<StreamState> state)
      : core_(std::move(core)), session_(std::move(session)), state_(std::move(state)) {}

  ~SessionStream() override {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->finished) return;
      state_->aborted = true;
    }
    Flush();
  }

  bool Write(std::string piece) override {
    if (piece.empty()) return !gone();
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->gone || state_->finished) return false;
      if (state_->waiting.size() + state_->in_flight + piece.size() > StreamState::kMaxWaiting)
        return false;
      state_->waiting += piece;
      if (state_->scheduled) return true;
      state_->scheduled = true;
    }
    return Flush();
  }

  bool gone() const override {
    const std::lock_guard lock(state_->mutex);
    return state_->gone;
  }

  void Finish() override {
    {
      const std::lock_guard lock(state_->mutex);
      state_->finished = true;
    }
    Flush();
  }

 private:
  bool Flush() {
    return core_->Post(session_, [](ExchangeSession& session) { session.FlushStream(); });
  }

  const std::shared_ptr<Core> core_;
  const std::weak_ptr<ExchangeSession> session_;
  const std::shared_ptr<StreamState> state_;
};

class SessionResponder final : public Responder {
 public:
  SessionResponder(std::shared_ptr<Core> core, std::weak_ptr<ExchangeSession> session)
      : core_(std::move(core)), session_(std::move(session)) {}

  ~SessionResponder() override {
    if (!answered_) Send({.status = 500, .body = "internal error\n"});
  }

  void Send(Response response) override {
    if (std::exchange(answered_, true)) return;
    core_->Post(session_, [response = std::move(response)](ExchangeSession& session) mutable {
      session.Answer(std::move(response));
    });
  }

  void WhenGone(std::function<void()> gone) override {
    core_->Post(session_, [gone = std::move(gone)](ExchangeSession& session) mutable {
      session.WatchWhileBusy(std::move(gone));
    });
  }

  std::unique_ptr<BodyStream> StartStream(Response head) override {
    if (std::exchange(answered_, true)) return nullptr;
    auto state = std::make_shared<StreamState>();
    const bool posted =
        core_->Post(session_, [head = std::move(head), state](ExchangeSession& session) mutable {
          session.BeginStream(std::move(head), std::move(state));
        });
    if (!posted) {
      const std::lock_guard lock(state->mutex);
      state->gone = true;
    }
    return std::make_unique<SessionStream>(core_, session_, std::move(state));
  }

 private:
  const std::shared_ptr<Core> core_;
  const std::weak_ptr<ExchangeSession> session_;
  bool answered_ = false;
};

}  // namespace

std::unique_ptr<Responder> MakeResponder(std::shared_ptr<Core> core,
                                         std::weak_ptr<ExchangeSession> session) {
  return std::make_unique<SessionResponder>(std::move(core), std::move(session));
}

}  // namespace wirespan::http::internal
