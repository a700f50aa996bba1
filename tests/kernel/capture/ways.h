#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::kernel_test {

// One way of moving bytes over a stream socket.
struct Way {
  std::string name{};
  // Sends a message (a head, an empty line, a body), in as many calls as the way takes.
  std::function<void(int fd, std::string_view bytes)> send{};
  // Receives a message of exactly so many bytes.
  std::function<std::string(int fd, std::size_t bytes)> receive{};
  // False: the kernel moves bodies without a buffer of the process; lengths are all that can be
  // told of them.
  bool send_shows_body = true;
  bool receive_shows_body = true;
};
inline void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

const std::vector<Way>& Ways();

}  // namespace wirespan::kernel_test
