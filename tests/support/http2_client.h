#pragma once

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"

namespace wirespan::testing {

// A blocking HTTP/2 client on loopback without TLS, by nghttp2: what a server answers, and how it
// ends streams and the connection. One thread.
class Http2Client {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  struct Answer {
    int status = 0;  // 0: none came
    Fields headers{};
    Fields trailers{};
    std::string body{};
    bool closed = false;
    std::uint32_t error = 0;  // of RST_STREAM
    std::string Header(std::string_view name) const { return Find(headers, name); }
    std::string Trailer(std::string_view name) const { return Find(trailers, name); }
    static std::string Find(const Fields& fields, std::string_view name);
  };

  struct Options {
    std::uint32_t window = 1u << 20;  // of each stream
    bool answer_pings = true;
  };

  explicit Http2Client(std::uint16_t port, Options options);
  explicit Http2Client(std::uint16_t port) : Http2Client(port, Options{}) {}
  ~Http2Client();
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  // Queues a request; `complete`: with its end. Returns the stream.
  std::int32_t Begin(std::string_view method, std::string_view path, const Fields& fields,
                     std::string body, bool complete = true);
  void Reset(std::int32_t stream);
  void Ping();
  // Sends and receives until `done`, the connection's end or the deadline. True: done.
  bool RunUntil(const std::function<bool()>& done,
                std::chrono::milliseconds limit = std::chrono::seconds(30));
  bool Flush() {
    return RunUntil([] { return true; });
  }
  // A whole exchange.
  Answer Exchange(std::string_view method, std::string_view path, const Fields& fields,
                  std::string body);

  const Answer& answer(std::int32_t stream) { return answers_[stream]; }
  int fd() const { return fd_.get(); }  // for bytes that nghttp2 would not send
  bool ended() const { return ended_; }
  bool told_to_go() const { return goaway_; }
  std::uint32_t goaway_error() const { return goaway_error_; }
  const std::string& goaway_reason() const { return goaway_reason_; }
  int pings() const { return pings_; }  // that the server sent

 private:
  friend struct Http2ClientCallbacks;
  struct Body {
    std::string bytes{};
    std::size_t sent = 0;
    bool complete = true;
  };
  bool SendAll();

  UniqueFd fd_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Answer> answers_{};
  std::map<std::int32_t, Body> bodies_{};
  bool ended_ = false;
  bool goaway_ = false;
  std::uint32_t goaway_error_ = 0;
  std::string goaway_reason_{};
  int pings_ = 0;
};

}  // namespace wirespan::testing
