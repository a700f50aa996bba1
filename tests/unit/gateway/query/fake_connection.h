#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/http/server.h"

// A client that reads, or not.
namespace wirespan::gateway::query::testing {

// What a client's connection got.
struct Connection {
  std::mutex mutex;  // guards what follows
  std::string text{};
  int status = 0;
  bool full = false;
  int refused = 0;  // pieces, because it was full
  bool gone = false;
  bool finished = false;
  bool dropped = false;  // the stream ended, finished or not
};

class FakeStream : public http::BodyStream {
 public:
  explicit FakeStream(std::shared_ptr<Connection> connection) : to_(std::move(connection)) {}
  ~FakeStream() override {
    const std::lock_guard lock(to_->mutex);
    to_->dropped = true;
  }
  bool Write(std::string piece) override {
    const std::lock_guard lock(to_->mutex);
    if (to_->full) ++to_->refused;
    if (to_->full || to_->gone) return false;
    to_->text += piece;
    return true;
  }
  bool gone() const override {
    const std::lock_guard lock(to_->mutex);
    return to_->gone;
  }
  void Finish() override {
    const std::lock_guard lock(to_->mutex);
    to_->finished = true;
  }

 private:
  const std::shared_ptr<Connection> to_;
};

class FakeResponder : public http::Responder {
 public:
  explicit FakeResponder(std::shared_ptr<Connection> connection) : to_(std::move(connection)) {}
  void Send(http::Response response) override {
    to_->status = response.status;
    to_->text = response.body;
    to_->finished = true;
  }
  std::unique_ptr<http::BodyStream> StartStream(http::Response head) override {
    to_->status = head.status;
    to_->text = head.body;
    return std::make_unique<FakeStream>(to_);
  }

 private:
  const std::shared_ptr<Connection> to_;
};

}  // namespace wirespan::gateway::query::testing
