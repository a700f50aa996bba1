#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <utility>

#include "common/base/strings.h"
#include "common/http/client_connection.h"
#include "common/http/client_transport.h"

namespace wirespan::http::internal {

namespace beast = boost::beast;

namespace {

std::string_view ViewOf(beast::string_view text) { return {text.data(), text.size()}; }

// Open: resolve -> connect -> [CONNECT] -> [TLS] -> done. Exchange: write -> heads (1xx skipped) ->
// body -> done. Close() makes every step end silently: it forgets the callbacks first.
class ClientSession final : public Connection {
 public:
  ClientSession(asio::io_context& context, ClientTransport transport)
      : lowest_(*transport.lowest),
        name_server_(std::move(transport.name_server)),
        explain_(std::move(transport.explain)),
        stream_(context.get_executor(), std::move(transport.transport)),
        resolver_(context),
        timer_(context) {}

  void Open(const Route& route, std::chrono::milliseconds timeout,
            std::function<void(Result<>)> done) override {
    route_ = route;
    opened_ = std::move(done);
    timer_.expires_after(timeout);
    timer_.async_wait([self = Self()](boost::system::error_code error) {
      if (error || self->opened_ == nullptr) return;
      self->OpenFailed(ErrorCode::kDeadlineExceeded, self->step_ + ": timed out");
    });
    step_ = "look up " + route_.host;
    resolver_.async_resolve(
        route_.host, std::to_string(route_.port), Tcp::resolver::numeric_service,
        [self = Self()](boost::system::error_code error, const Tcp::resolver::results_type& found) {
          if (self->OpenStep(error)) self->Connect(found);
        });
  }

  void Exchange(const ClientRequest& request, const std::string& target, const std::string& host,
                const std::string& proxy_authorization, std::size_t max_response_bytes,
                std::function<void(Outcome)> done) override {
    done_ = std::move(done);
    request_.emplace();
    request_->version(11);
    request_->method_string(request.method);
    request_->target(target);
    request_->set(beast::http::field::host, host);
    for (const auto& [name, value] : request.headers) {
      if (EqualsIgnoreCase(name, "Host")) request_->set(beast::http::field::host, value);
      if (!OursAlone(name)) request_->insert(name, value);
    }
    if (!proxy_authorization.empty())
      request_->set(beast::http::field::proxy_authorization, proxy_authorization);
    body_ = request.shared_body != nullptr ? request.shared_body.get() : &request.body;
    if (!body_->empty() || request.method == "POST" || request.method == "PUT" ||
        request.method == "PATCH") {
      request_->content_length(body_->size());
    }
    max_response_bytes_ = max_response_bytes;
    head_only_ = request.method == "HEAD";
    on_piece_ = request.on_piece;
    heads_ = 0;
    got_bytes_ = false;
    // The body is the caller's, kept until `done`; only its address is taken.
    request_->body() = beast::span<const char>(body_->data(), body_->size());
    WriteAndRead();
  }

  void WatchIdle(std::function<void()> ended) override {
    ended_ = std::move(ended);
    Lowest().async_wait(Tcp::socket::wait_read, [self = Self()](boost::system::error_code) {
      if (auto callback = std::exchange(self->ended_, nullptr)) callback();
    });
  }

  void StopWatching() override {
    ended_ = nullptr;
    boost::system::error_code ignored;
    Lowest().cancel(ignored);
  }

  void Close() override {
    opened_ = nullptr;
    done_ = nullptr;
    on_piece_ = nullptr;
    ended_ = nullptr;
    timer_.cancel();
    resolver_.cancel();
    boost::system::error_code ignored;
    Lowest().close(ignored);
  }

 private:
  static constexpr std::size_t kMaxHeadBytes = 64u << 10;
  static constexpr std::size_t kPieceBytes = 16u << 10;

  // After TCP (and the tunnel).
  void Secure() {
    step_ = "TLS with " + route_.server_name;
    boost::system::error_code error;
    if (name_server_) error = name_server_(route_.server_name);
    if (!OpenStep(error)) return;
    stream_.transport().Handshake([self = Self()](boost::system::error_code failed) {
      if (self->OpenStep(failed)) self->Opened();
    });
  }

  std::shared_ptr<ClientSession> Self() {
    return std::static_pointer_cast<ClientSession>(shared_from_this());
  }
  Tcp::socket& Lowest() { return lowest_; }

  static bool OursAlone(std::string_view name) {
    for (const std::string_view ours :
         {"Host", "Content-Length", "Transfer-Encoding", "Connection"}) {
      if (EqualsIgnoreCase(name, ours)) return true;
    }
    return false;
  }

  void OpenFailed(ErrorCode code, std::string message) {
    auto callback = std::exchange(opened_, nullptr);
    Close();
    if (callback) callback(Fail(code, std::move(message)));
  }

  bool OpenStep(const boost::system::error_code& error) {
    if (opened_ == nullptr) return false;
    if (error) OpenFailed(ErrorCode::kUnavailable, step_ + ": " + Explain(error));
    return !error;
  }

  std::string Explain(const boost::system::error_code& error) const {
    return explain_ ? explain_(error, route_.server_name) : error.message();
  }

  void Opened() {
    timer_.cancel();
    if (auto callback = std::exchange(opened_, nullptr)) callback({});
  }

  void Connect(const Tcp::resolver::results_type& found) {
    step_ = "connect to " + route_.host + ":" + std::to_string(route_.port);
    asio::async_connect(Lowest(), found,
                        [self = Self()](boost::system::error_code error, const Tcp::endpoint&) {
                          if (!self->OpenStep(error)) return;
                          boost::system::error_code ignored;
                          self->Lowest().set_option(Tcp::no_delay(true), ignored);
                          self->route_.tunnel.empty() ? self->Secure() : self->Tunnel();
                        });
  }

  void Tunnel() {
    step_ = "CONNECT " + route_.tunnel + " through the proxy";
    tunnel_request_.emplace(beast::http::verb::connect, route_.tunnel, 11);
    tunnel_request_->set(beast::http::field::host, route_.tunnel);
    if (!route_.authorization.empty()) {
      tunnel_request_->set(beast::http::field::proxy_authorization, route_.authorization);
    }
    beast::http::async_write(
        Lowest(), *tunnel_request_, [self = Self()](beast::error_code error, std::size_t) {
          if (!self->OpenStep(error)) return;
          self->tunnel_response_.emplace();
          self->tunnel_response_->header_limit(kMaxHeadBytes);
          self->tunnel_response_->skip(true);
          self->buffer_.max_size(kMaxHeadBytes * 2);
          beast::http::async_read_header(self->Lowest(), self->buffer_, *self->tunnel_response_,
                                         [self](beast::error_code failed, std::size_t) {
                                           if (self->OpenStep(failed)) self->Tunnelled();
                                         });
        });
  }

  void Tunnelled() {
    const unsigned status = tunnel_response_->get().result_int();
    if (status / 100 != 2) {
      return OpenFailed(ErrorCode::kUnavailable,
                        step_ + ": the proxy answered " + std::to_string(status));
    }
    // Bytes behind the head would be the origin's, which does not speak first.
    if (buffer_.size() != 0)
      return OpenFailed(ErrorCode::kUnavailable, step_ + ": unexpected bytes");
    Secure();
  }

  // The response is read while the request is being written: a server may refuse early and stop
  // reading.
  void WriteAndRead() {
    writing_ = true;
    beast::http::async_write(stream_, *request_,
                             [self = Self()](beast::error_code error, std::size_t) {
                               self->writing_ = false;
                               if (self->done_ == nullptr) return;
                               if (self->finished_) {
                                 auto outcome = std::move(*self->finished_);
                                 self->finished_.reset();
                                 outcome.reusable = outcome.reusable && !error;
                                 return self->Deliver(std::move(outcome));
                               }
                               // A failed write is told by the read, which may still find a
                               // response.
                               if (error) self->write_failed_ = true;
                             });
    ReadHead();
  }

  void ReadHead() {
    parser_.emplace();
    parser_->header_limit(kMaxHeadBytes);
    // A body that is handed on in pieces may be of any length; another one is bounded in ReadBody.
    if (on_piece_) {
      parser_->body_limit(boost::none);
    } else {
      parser_->body_limit(max_response_bytes_);
    }
    if (head_only_) parser_->skip(true);
    buffer_.max_size(kMaxHeadBytes * 2);
    beast::http::async_read_header(
        stream_, buffer_, *parser_, [self = Self()](beast::error_code error, std::size_t n) {
          if (self->done_ == nullptr) return;
          self->got_bytes_ =
              self->got_bytes_ || n > 0 || self->parser_->got_some() || self->buffer_.size() > 0;
          if (error) return self->ExchangeFailed(error);
          const unsigned status = self->parser_->get().result_int();
          if (status / 100 == 2 && self->on_piece_ && !self->head_only_) return self->StartPieces();
          if (status / 100 != 1) return self->ReadBody();
          if (status == 101 || ++self->heads_ > 10) {
            return self->Finish(
                {.response = Fail(ErrorCode::kUnavailable, "unexpected interim response")});
          }
          self->ReadHead();
        });
  }

  void StartPieces() {
    pieces_.emplace(std::move(*parser_));
    piece_.resize(kPieceBytes);
    ReadPiece();
  }

  // One read, one piece: an event is handed on when it comes, not when a buffer is full.
  void ReadPiece() {
    if (pieces_->is_done()) {
      const bool reusable = pieces_->get().keep_alive() && buffer_.size() == 0 && !write_failed_;
      return Finish({.response = HeadOf(pieces_->get()), .reusable = reusable});
    }
    auto& body = pieces_->get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    beast::http::async_read_some(
        stream_, buffer_, *pieces_, [self = Self()](beast::error_code error, std::size_t) {
          if (self->done_ == nullptr) return;
          if (error && error != beast::http::error::need_buffer) return self->ExchangeFailed(error);
          const std::size_t size = self->piece_.size() - self->pieces_->get().body().size;
          if (size > 0 && !self->on_piece_(std::string_view(self->piece_).substr(0, size))) {
            return self->Finish(
                {.response = Fail(ErrorCode::kCancelled, "no more of the response is wanted")});
          }
          self->ReadPiece();
        });
  }

  template <class Message>
  static Response HeadOf(const Message& message) {
    Response response{.status = static_cast<int>(message.result_int())};
    for (const auto& field : message) {
      response.headers.emplace_back(ViewOf(field.name_string()), ViewOf(field.value()));
    }
    return response;
  }

  void ReadBody() {
    if (on_piece_) {
      if (parser_->content_length().value_or(0) > max_response_bytes_)
        return ExchangeFailed(beast::http::make_error_code(beast::http::error::body_limit));
      parser_->body_limit(max_response_bytes_);
    }
    beast::http::async_read(
        stream_, buffer_, *parser_, [self = Self()](beast::error_code error, std::size_t) {
          if (self->done_ == nullptr) return;
          if (error) return self->ExchangeFailed(error);
          auto& message = self->parser_->get();
          Response response = HeadOf(message);
          response.body = std::move(message.body());
          const bool reusable =
              message.keep_alive() && self->buffer_.size() == 0 && !self->write_failed_;
          self->Finish({.response = std::move(response), .reusable = reusable});
        });
  }

  void ExchangeFailed(const beast::error_code& error) {
    Outcome outcome;
    outcome.untouched = !got_bytes_;
    if (error == beast::http::error::body_limit || error == beast::http::error::header_limit ||
        error == beast::http::error::buffer_overflow) {
      outcome.response = Fail(ErrorCode::kResourceExhausted, "response is larger than allowed");
    } else if (error == beast::http::error::end_of_stream ||
               error == beast::http::error::partial_message) {
      outcome.response = Fail(ErrorCode::kUnavailable, "connection ended before the response did");
    } else {
      outcome.response = Fail(ErrorCode::kUnavailable, "read response: " + Explain(error));
    }
    Finish(std::move(outcome));
  }

  // A response that overtook the writing of its request: wait for the write, unless the connection
  // is lost anyway.
  void Finish(Outcome outcome) {
    if (writing_ && outcome.response.has_value() && outcome.reusable) {
      finished_.emplace(std::move(outcome));
      return;
    }
    Deliver(std::move(outcome));
  }

  void Deliver(Outcome outcome) {
    auto callback = std::exchange(done_, nullptr);
    on_piece_ = nullptr;
    if (!outcome.reusable) Close();
    if (callback) callback(std::move(outcome));
  }

  Tcp::socket& lowest_;  // inside stream_
  const std::function<boost::system::error_code(const std::string&)> name_server_;
  const std::function<std::string(const boost::system::error_code&, const std::string&)> explain_;
  ByteStream stream_;
  Tcp::resolver resolver_;
  asio::steady_timer timer_;
  Route route_;
  std::string step_;
  std::function<void(Result<>)> opened_;
  std::function<void(Outcome)> done_;
  std::function<void()> ended_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request<beast::http::empty_body>> tunnel_request_;
  std::optional<beast::http::response_parser<beast::http::empty_body>> tunnel_response_;
  std::optional<beast::http::request<beast::http::span_body<const char>>> request_;
  std::optional<beast::http::response_parser<beast::http::string_body>> parser_;
  std::function<bool(std::string_view)> on_piece_;
  std::optional<beast::http::response_parser<beast::http::buffer_body>> pieces_;
  std::string piece_;
  std::optional<Outcome> finished_;
  const std::string* body_ = nullptr;
  std::size_t max_response_bytes_ = 0;
  unsigned heads_ = 0;
  bool head_only_ = false;
  bool got_bytes_ = false;
  bool writing_ = false;
  bool write_failed_ = false;
};

}  // namespace

std::shared_ptr<Connection> MakeConnection(asio::io_context& context, ClientTransport transport) {
  return std::make_shared<ClientSession>(context, std::move(transport));
}

std::string Route::key() const {
  return (tls ? "s " : "p ") + host + " " + std::to_string(port) + " " + tunnel;
}

}  // namespace wirespan::http::internal
