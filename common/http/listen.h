#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace wirespan::http {

// A listening, non-blocking stream socket.
struct Listening {
  UniqueFd fd{};
  int family = 0;
  std::uint16_t port = 0;  // 0 for a Unix socket
};

// "listen on HOST:PORT: reason". A name is looked up; "::" takes IPv4 too.
Result<Listening> ListenTcp(const std::string& host, std::uint16_t port);

// The file never has more rights than `mode`, not even for a moment. A socket file that nobody
// listens on any more is replaced; one that somebody does, or a file of another kind, is an error.
Result<Listening> ListenUnix(const std::string& path, unsigned mode);

}  // namespace wirespan::http
