#include "common/http/http2_session.h"

namespace wirespan::http::internal {

namespace {

class StreamResponder final : public Responder {
 public:
  StreamResponder(std::shared_ptr<Core> core, std::weak_ptr<Http2Session> session, std::int32_t id)
      : core_(std::move(core)), session_(std::move(session)), id_(id) {}

  ~StreamResponder() override {
    if (!answered_) Send({.status = 500, .body = "internal error\n"});
  }

  void Send(Response response) override {
    if (std::exchange(answered_, true)) return;
    core_->Post(session_, [id = id_, response = std::move(response)](Http2Session& one) mutable {
      one.Answer(id, std::move(response));
    });
  }

  void WhenGone(std::function<void()> gone) override {
    core_->Post(session_, [id = id_, gone = std::move(gone)](Http2Session& one) mutable {
      one.Watch(id, std::move(gone));
    });
  }

  void AnswerBy(std::chrono::steady_clock::time_point deadline, Response late) override {
    core_->Post(session_, [id = id_, deadline, late = std::move(late)](Http2Session& one) mutable {
      one.AnswerBy(id, deadline, std::move(late));
    });
  }

 private:
  const std::shared_ptr<Core> core_;
  const std::weak_ptr<Http2Session> session_;
  const std::int32_t id_;
  bool answered_ = false;
};

}  // namespace

std::unique_ptr<Responder> MakeHttp2Responder(std::shared_ptr<Core> core,
                                              std::weak_ptr<Http2Session> session,
                                              std::int32_t stream) {
  return std::make_unique<StreamResponder>(std::move(core), std::move(session), stream);
}

}  // namespace wirespan::http::internal
