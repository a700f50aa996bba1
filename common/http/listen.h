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

// "listen on HOST:PORT: reason". A name is looked up; "::" takes IPv4 too. `share`: the port may be
// in use by sockets of this user that were told to share it as well (SharePort).
Result<Listening> ListenTcp(const std::string& host, std::uint16_t port, bool share = false);

// Lets a later ListenTcp have the same port.
void SharePort(const Listening& listening);

// Another descriptor of the same socket.
Result<Listening> Duplicate(const Listening& listening);

// The file never has more rights than `mode`, not even for a moment. A socket file that nobody
// listens on any more is replaced; one that somebody does, or a file of another kind, is an error.
Result<Listening> ListenUnix(const std::string& path, unsigned mode);

}  // namespace wirespan::http
