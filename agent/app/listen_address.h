#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace wirespan::app {

struct ListenAddress {
  std::string host{};
  std::uint16_t port = 0;
};

// "127.0.0.1:8890", "[::1]:8890", ":8890" (all addresses). kInvalidArgument otherwise.
Result<ListenAddress> ParseListenAddress(const std::string& text);

}  // namespace wirespan::app
