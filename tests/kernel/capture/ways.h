#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::kernel_test {

// One way of moving bytes over a stream socket.
struct Way {
  std::string name{};
  // Sends all of it, in as many calls as the way takes.
  std::function<void(int fd, std::string_view bytes)> send{};
  // Receives exactly so many bytes.
  std::function<std::string(int fd, std::size_t bytes)> receive{};
  // False: the kernel moves the bytes without a buffer of the process; lengths are all that can be
  // told.
  bool send_shows_bytes = true;
  bool receive_shows_bytes = true;
};

const std::vector<Way>& Ways();

}  // namespace wirespan::kernel_test
