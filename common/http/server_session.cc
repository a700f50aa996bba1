#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include "common/base/strings.h"
#include "common/http/server_core.h"
#include "common/http/server_message.h"
#include "common/http/server_transport.h"
#include "common/telemetry/log.h"

namespace wirespan::http::internal {

namespace {

// One connection over a plain or a TLS stream. Requests are taken one after the other; a pipelined
// one waits in the buffer until the one before it is answered.
//
//   kIdle ------ head read ------> kBusy ---- answered, keep-alive ----> kIdle
//     |                              |------- answered, close ---------> kLingering -> gone
//     |-- refused: error response ---+        StartStream -> kStreaming -^
class Session final : public ExchangeSession {
 public:
  Session(std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
          std::string_view received, std::optional<std::chrono::steady_clock::time_point> ends)
      : core_(std::move(core)),
        peer_(std::move(peer)),
        ends_(ends),
        lowest_(*transport.lowest),
        stream_(lowest_.get_executor(), std::move(transport.transport)),
        buffer_(core_->options.max_header_bytes + kReadBytes) {
    buffer_.commit(asio::buffer_copy(buffer_.prepare(received.size()), asio::buffer(received)));
  }

  ~Session() override {
    ReleaseBody();
    MarkGone();
    core_->Remove(this);
  }

  asio::any_io_executor executor() override { return stream_.get_executor(); }

  void Start() override { ReadHead(); }

  void Answer(Response response) override {
    const auto held = std::exchange(answer_pending_, nullptr);
    const bool old = ends_ && std::chrono::steady_clock::now() >= *ends_;
    if (old && keep_alive_) ++core_->aged;
    const bool keep = keep_alive_ && !core_->draining && !core_->leaving && !old;
    const std::size_t size = response.body.size();
    response_.emplace(FromResponse(std::move(response), version_, keep, head_only_));
    Lowest().expires_after(TimeFor(size));
    beast::http::async_write(stream_, *response_,
                             [self = Self(), keep](beast::error_code error, std::size_t) {
                               self->response_.reset();
                               if (error) return self->Broken(error);
                               keep ? self->AfterWatching([](Session& s) { s.ReadHead(); })
                                    : self->AfterWatching([](Session& s) { s.Shutdown(); });
                             });
  }

  // Waits until the socket can be read, without reading: what comes may be the next request.
  void WatchWhileBusy(std::function<void()> gone) override {
    if (answer_pending_ == nullptr) return;
    if (core_->options.tls) return WatchByReading(std::move(gone));
    Lowest().socket().async_wait(
        asio::socket_base::wait_read,
        [self = Self(), gone = std::move(gone), request = request_](beast::error_code error) {
          if (self->answer_pending_ == nullptr || self->request_ != request) return;
          char next = 0;
          if (!error) {
            const ssize_t got =
                ::recv(self->Lowest().socket().native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
            if (got > 0 || (got < 0 && errno == EAGAIN)) return;
          }
          gone();
        });
  }

  void BeginStream(Response head, std::shared_ptr<StreamState> state) override {
    const auto held = std::exchange(answer_pending_, nullptr);
    state_ = State::kStreaming;
    stream_state_ = std::move(state);
    keep_alive_ = false;
    if (!head.body.empty() && !head_only_) {
      const std::lock_guard lock(stream_state_->mutex);
      stream_state_->waiting.insert(0, head.body);
    }
    stream_head_.emplace(StreamHead(head, version_));
    stream_serializer_.emplace(*stream_head_);
    Lowest().expires_never();
    AfterWatching([](Session& s) { s.WatchPeer(); });
    Lowest().expires_after(core_->options.idle_timeout);
    beast::http::async_write_header(stream_, *stream_serializer_,
                                    [self = Self()](beast::error_code error, std::size_t) {
                                      if (error) return self->Broken(error);
                                      self->stream_head_written_ = true;
                                      if (!self->head_only_) return self->FlushStream();
                                      self->MarkGone();
                                      self->EndStream();
                                    });
  }

  void FlushStream() override {
    if (stream_state_ == nullptr || state_ != State::kStreaming || !stream_head_written_ ||
        stream_writing_)
      return;
    std::string data;
    bool finished = false;
    {
      const std::lock_guard lock(stream_state_->mutex);
      stream_state_->scheduled = false;
      if (stream_state_->aborted) {
        stream_state_->gone = true;
        return Close();
      }
      data.swap(stream_state_->waiting);
      stream_state_->in_flight = data.size();
      finished = stream_state_->finished || core_->draining;
      if (finished) stream_state_->gone = true;
    }
    if (data.empty() && !finished) return;
    if (version_ >= 11) {
      stream_out_ = data.empty() ? "" : fmt::format("{:x}\r\n", data.size()) + data + "\r\n";
      if (finished) stream_out_ += "0\r\n\r\n";
    } else {
      stream_out_ = std::move(data);
    }
    stream_writing_ = true;
    Lowest().expires_after(TimeFor(stream_out_.size()));
    asio::async_write(stream_, asio::buffer(stream_out_),
                      [self = Self(), finished](beast::error_code error, std::size_t) {
                        self->stream_writing_ = false;
                        if (error) return self->Broken(error);
                        if (finished) return self->EndStream();
                        {
                          const std::lock_guard lock(self->stream_state_->mutex);
                          self->stream_state_->in_flight = 0;
                        }
                        self->FlushStream();
                      });
  }

  void Drain() override {
    if (state_ == State::kIdle || state_ == State::kLingering) Close();
    if (state_ == State::kStreaming) FlushStream();
  }

  void Abort() override {
    const auto held = std::exchange(answer_pending_, nullptr);
    MarkGone();
    Close();
  }

 private:
  enum class State : unsigned char { kIdle, kBusy, kStreaming, kLingering };
  static constexpr std::chrono::seconds kGoodbye{2};
  static constexpr std::size_t kReadBytes = 128u << 10;
  static constexpr std::size_t kBodyReadBytes = 64u << 10;  // Beast reads no more at once
  static constexpr std::size_t kWatchBytes = 1u << 10;
  static constexpr std::size_t kBytesPerSecond = 16u << 10;
  static constexpr std::size_t kMaxLingerBytes = 16u << 20;

  // Over TLS a goodbye comes as bytes, like the next request: only reading tells which it is. What
  // is read of a request waits in the buffer; who has sent one already is not watched further.
  void WatchByReading(std::function<void()> gone) {
    if (watching_ || buffer_.max_size() - buffer_.size() < kWatchBytes) return;
    watching_ = true;
    stream_.async_read_some(
        buffer_.prepare(kWatchBytes),
        [self = Self(), gone = std::move(gone)](beast::error_code error, std::size_t size) {
          self->watching_ = false;
          self->buffer_.commit(size);
          const auto next = std::exchange(self->after_watching_, nullptr);
          if (next != nullptr) return next(*self);
          if (error && self->answer_pending_ != nullptr) gone();
        });
  }
  // Two reads at once are not allowed: the watching one has to come back before the next.
  void AfterWatching(void (*next)(Session&)) {
    if (!watching_) return next(*this);
    after_watching_ = next;
    Lowest().cancel();
  }

  // Says goodbye in the transport's own way, then lingers.
  void Shutdown() {
    state_ = State::kLingering;
    Lowest().expires_after(kGoodbye);
    stream_.transport().Shutdown([self = Self()](beast::error_code error) {
      error == beast::error::timeout ? self->Close() : self->Linger();
    });
  }

  std::shared_ptr<Session> Self() { return std::static_pointer_cast<Session>(shared_from_this()); }
  PlainStream& Lowest() { return lowest_; }

  std::chrono::steady_clock::duration TimeFor(std::size_t bytes) const {
    return core_->options.idle_timeout + std::chrono::seconds(bytes / kBytesPerSecond);
  }

  void ReadHead() {
    if (core_->draining) return Close();
    state_ = State::kIdle;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(core_->options.max_header_bytes, 1u << 30)));
    parser_->body_limit(core_->options.max_body_bytes);
    Lowest().expires_after(core_->options.idle_timeout);
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = Self()](beast::error_code error, std::size_t) { self->OnHead(error); });
  }

  void OnHead(beast::error_code error) {
    if (error) {
      if (error == beast::error::timeout && parser_->got_some()) ++core_->timeouts;
      return Refuse(error);
    }
    state_ = State::kBusy;
    const auto& message = parser_->get();
    version_ = message.version();
    head_only_ = message.method() == beast::http::verb::head;
    if (const int status = RefusedStatus(message); status != 0) return Refuse(status);
    // Before anything of the body is read, and before the peer is told to send it.
    const auto length = parser_->content_length_remaining();
    if (length && *length > 0 && !AdmitWhole(static_cast<std::size_t>(*length))) return Refuse(503);
    body_deadline_ = std::chrono::steady_clock::now() + core_->options.idle_timeout;
    const auto expect = message[beast::http::field::expect];
    if (version_ >= 11 && !parser_->is_done() &&
        EqualsIgnoreCase({expect.data(), expect.size()}, "100-continue")) {
      Lowest().expires_after(core_->options.idle_timeout);
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(stream_, asio::buffer(kContinue),
                        [self = Self()](beast::error_code failed, std::size_t) {
                          failed ? self->Broken(failed) : self->ReadBody();
                        });
      return;
    }
    ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return Dispatch();
    Lowest().expires_at(body_deadline_ + std::chrono::seconds(counted_bytes_ / kBytesPerSecond));
    // Beast reads as much as the buffer has room for: 512 bytes, if nobody makes room.
    const auto left = parser_->content_length_remaining();
    buffer_.reserve(static_cast<std::size_t>(
        std::min<std::uint64_t>(left.value_or(kBodyReadBytes), kBodyReadBytes)));
    beast::http::async_read_some(stream_, buffer_, *parser_,
                                 [self = Self()](beast::error_code error, std::size_t) {
                                   if (error == beast::error::timeout) ++self->core_->timeouts;
                                   if (error) return self->Refuse(error);
                                   if (!self->CountBody()) return self->Refuse(503);
                                   self->ReadBody();
                                 });
  }

  bool CountBody() {
    const std::size_t size = parser_->get().body().size();
    const std::size_t more = size - counted_bytes_;
    counted_bytes_ = size;
    const bool fits =
        core_->receiving_bytes.fetch_add(more) + more <= core_->options.max_receiving_bytes;
    return Admit(size) && fits;
  }
  // Where the head does not say how much comes: for twice what is there.
  bool Admit(std::size_t size) { return size <= admitted_bytes_ || AdmitWhole(2 * size); }
  bool AdmitWhole(std::size_t bytes) {
    if (!core_->options.admit) return true;
    admitted_.reset();
    admitted_bytes_ = bytes;
    admitted_ = core_->options.admit(bytes);
    return admitted_ != nullptr;
  }
  void ReleaseBody() {
    core_->receiving_bytes -= std::exchange(counted_bytes_, 0);
    admitted_.reset();
    admitted_bytes_ = 0;
  }

  void Dispatch() {
    if (core_->stopped) return Close();
    keep_alive_ = parser_->get().keep_alive();
    buffer_.shrink_to_fit();  // an idle connection holds no room for bodies
    Request request = ToRequest(parser_->release(), peer_);
    ReleaseBody();
    ++core_->requests;
    Lowest().expires_never();
    answer_pending_ = Self();
    ++request_;
    try {
      core_->handler(
          std::move(request),
          MakeResponder(core_, std::static_pointer_cast<ExchangeSession>(shared_from_this())));
    } catch (const std::exception& exception) {
      log::WriteLimited(log::Level::kError, "http-server-handler",
                        std::string("http server: a handler failed: ") + exception.what());
    }
  }

  void Refuse(beast::error_code error) {
    const int status = StatusOf(error);
    if (status == 0) return Broken(error);
    Refuse(status);
  }

  void Refuse(int status) {
    ++core_->invalid;
    state_ = State::kBusy;
    keep_alive_ = false;
    head_only_ = false;
    version_ = 11;
    ReleaseBody();
    Response response = PlainRefusal(status);
    // A Content-Length beyond the limit ends the head with an error, when its fields are known.
    if (core_->options.refusal && (status == 413 || parser_->is_header_done())) {
      const auto type = parser_->get()[beast::http::field::content_type];
      Response own = core_->options.refusal(status, {type.data(), type.size()});
      response = std::move(own);
    }
    Answer(std::move(response));
  }

  // After our side of the connection is closed: what the peer still sends is read and thrown away
  // for a while, because closing on unread bytes resets the connection and the peer may lose our
  // last response.
  void Linger() {
    state_ = State::kLingering;
    if (core_->draining) return Close();
    beast::error_code ignored;
    Lowest().socket().shutdown(asio::socket_base::shutdown_send, ignored);
    Lowest().expires_after(kGoodbye);
    LingerRead();
  }
  void LingerRead() {
    Lowest().async_read_some(asio::buffer(discard_),
                             [self = Self()](beast::error_code error, std::size_t size) {
                               self->lingered_bytes_ += size;
                               if (error || self->lingered_bytes_ > kMaxLingerBytes)
                                 return self->Close();
                               self->LingerRead();
                             });
  }

  // While a stream is sent a read is always pending, to learn that the peer went; what it sends is
  // thrown away.
  void WatchPeer() {
    stream_.async_read_some(asio::buffer(discard_),
                            [self = Self()](beast::error_code error, std::size_t) {
                              if (self->stream_ended_) return self->Shutdown();
                              if (self->state_ != State::kStreaming) return;
                              if (error) return self->Broken(error);
                              self->WatchPeer();
                            });
  }

  // The goodbye reads too, and two reads at once are not allowed: the watching one has to come back
  // first.
  void EndStream() {
    stream_ended_ = true;
    Lowest().cancel();
  }

  void Broken(beast::error_code) { Abort(); }

  void Close() {
    state_ = State::kLingering;
    beast::error_code ignored;
    Lowest().socket().close(ignored);
  }

  void MarkGone() {
    if (stream_state_ == nullptr) return;
    const std::lock_guard lock(stream_state_->mutex);
    stream_state_->gone = true;
    stream_state_->waiting.clear();
  }

  const std::shared_ptr<Core> core_;
  const std::string peer_;
  const std::optional<std::chrono::steady_clock::time_point> ends_;
  PlainStream& lowest_;  // inside stream_
  ByteStream stream_;
  State state_ = State::kIdle;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::optional<beast::http::response<beast::http::string_body>> response_;
  unsigned version_ = 11;
  // Itself, from the handler's call to the answer: the handler may answer much later, and until
  // then no operation holds the session.
  std::shared_ptr<SessionBase> answer_pending_;
  std::uint64_t request_ = 0;  // counts those that the handler got
  bool watching_ = false;      // a read is pending while the handler is at work
  void (*after_watching_)(Session&) = nullptr;
  bool keep_alive_ = false;
  bool head_only_ = false;
  std::shared_ptr<const void> admitted_{};  // of options.admit
  std::size_t admitted_bytes_ = 0;
  std::size_t counted_bytes_ = 0;  // our share of core_->receiving_bytes
  std::chrono::steady_clock::time_point body_deadline_{};

  std::shared_ptr<StreamState> stream_state_;
  std::optional<beast::http::response<beast::http::empty_body>> stream_head_;
  std::optional<beast::http::response_serializer<beast::http::empty_body>> stream_serializer_;
  std::string stream_out_;
  bool stream_head_written_ = false;
  bool stream_writing_ = false;
  bool stream_ended_ = false;

  std::array<char, 4096> discard_{};
  std::size_t lingered_bytes_ = 0;
};

}  // namespace

std::shared_ptr<SessionBase> MakeHttp1Session(
    std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
    std::string_view received, std::optional<std::chrono::steady_clock::time_point> ends) {
  return std::make_shared<Session>(std::move(core), std::move(peer), std::move(transport), received,
                                   ends);
}

}  // namespace wirespan::http::internal
