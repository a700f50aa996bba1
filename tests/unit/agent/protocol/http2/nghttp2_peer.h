#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/protocol/http2/frame.h"

namespace wirespan::http2::testing {

// One end of a conversation, by nghttp2: what it sends, and what it understood of what it got.
class Nghttp2Peer {
 public:
  Nghttp2Peer(bool server, unsigned seed);
  ~Nghttp2Peer();
  Nghttp2Peer(const Nghttp2Peer&) = delete;
  Nghttp2Peer& operator=(const Nghttp2Peer&) = delete;

  // A client: a request with a body and headers of any size; now and then a ping, a priority. The
  // server answers it, with trailers, promises and resets among the answers.
  void Request();
  // All that it wants to send now.
  std::string Send();
  void Receive(std::string_view octets);

  struct Understood {
    std::vector<FrameHeader> frames{};
    std::map<std::uint32_t, std::string> data{};  // by stream, without padding
    std::vector<std::pair<std::string, std::string>> headers{};
  };
  const Understood& understood() const { return understood_; }

 private:
  friend struct Nghttp2Callbacks;
  void Answer(std::int32_t stream, bool complete);
  std::size_t Random(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }

  bool server_;
  std::mt19937 random_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::size_t> unsent_{};  // octets of the body, by stream
  Understood understood_{};
};

}  // namespace wirespan::http2::testing
