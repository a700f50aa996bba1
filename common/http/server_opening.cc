#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <chrono>
#include <random>
#include <string>
#include <string_view>

#include "common/http/server_core.h"
#include "common/http/server_transport.h"

namespace wirespan::http::internal {

namespace {

// RFC 9113 3.4: what every HTTP/2 client sends first, also where ALPN has chosen h2. No HTTP/1
// request begins like that.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Greets, and reads until the first bytes tell the protocol. Hands everything over then.
class Opening final : public SessionBase {
 public:
  Opening(std::shared_ptr<Core> core, std::string peer, ServerTransport transport)
      : core_(std::move(core)),
        peer_(std::move(peer)),
        transport_(std::move(transport)),
        executor_(transport_.lowest->get_executor()),
        ends_(EndOfAge(core_->options)) {}

  ~Opening() override { core_->Remove(this); }

  asio::any_io_executor executor() override { return executor_; }

  void Start() override {
    transport_.lowest->expires_after(
        std::min<std::chrono::seconds>(core_->options.idle_timeout, kHandshake));
    transport_.transport->Handshake([self = Self()](beast::error_code error) {
      if (error) {
        ++self->core_->failed_handshakes;
        return self->Abort();
      }
      if (!self->core_->options.http2) return self->GoOn(false);
      self->transport_.lowest->expires_after(self->core_->options.idle_timeout);
      self->Read();
    });
  }

  void Drain() override { Abort(); }
  void Abort() override {
    if (handed_over_) return;
    beast::error_code ignored;
    transport_.lowest->socket().close(ignored);
  }

 private:
  static constexpr std::chrono::seconds kHandshake{10};

  std::shared_ptr<Opening> Self() { return std::static_pointer_cast<Opening>(shared_from_this()); }

  void Read() {
    transport_.transport->ReadSome(asio::buffer(first_.data() + size_, first_.size() - size_),
                                   [self = Self()](beast::error_code error, std::size_t size) {
                                     if (error == beast::error::timeout && self->size_ > 0)
                                       ++self->core_->timeouts;
                                     if (error) return self->Abort();
                                     self->size_ += size;
                                     const std::string_view read(self->first_.data(), self->size_);
                                     if (!kPreface.starts_with(read))
                                       return self->GoOn(read.starts_with(kPreface));
                                     read.size() == kPreface.size() ? self->GoOn(true)
                                                                    : self->Read();
                                   });
  }

  void GoOn(bool http2) {
    if (core_->draining) return Abort();
    handed_over_ = true;
    const std::string_view read(first_.data(), size_);
    auto session = (http2 ? MakeHttp2Session : MakeHttp1Session)(
        core_, peer_, std::move(transport_), read, ends_);
    core_->Add(session);
    session->Start();
    if (core_->leaving) session->Leave();
  }

  const std::shared_ptr<Core> core_;
  const std::string peer_;
  ServerTransport transport_;
  const asio::any_io_executor executor_;  // asked for by other threads, also after GoOn
  const std::optional<std::chrono::steady_clock::time_point> ends_;
  bool handed_over_ = false;
  std::array<char, 1024> first_{};
  std::size_t size_ = 0;
};

}  // namespace

std::optional<std::chrono::steady_clock::time_point> EndOfAge(const ServerOptions& options) {
  if (options.max_connection_age.count() <= 0) return std::nullopt;
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto tenth = options.max_connection_age.count() / 10;
  std::uniform_int_distribution<std::int64_t> give_or_take(-tenth, tenth);
  return std::chrono::steady_clock::now() + options.max_connection_age +
         std::chrono::milliseconds(give_or_take(random));
}

std::shared_ptr<SessionBase> MakeOpening(std::shared_ptr<Core> core, std::string peer,
                                         ServerTransport transport) {
  return std::make_shared<Opening>(std::move(core), std::move(peer), std::move(transport));
}

}  // namespace wirespan::http::internal
