#pragma once

#include <cstdint>
#include <utility>

#include "tests/unit/agent/connection/http2_script.h"
#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {

inline constexpr auto kRead = Direction::kRead;
inline constexpr auto kWrite = Direction::kWrite;
inline constexpr std::uint64_t kSecond = 1'000'000'000;

// A server's connection with both first words said.
struct Server : TableUnderTest {
  explicit Server(TableOptions options = {}) : TableUnderTest(std::move(options)) {
    Send(socket.Open());
    Send(socket.Read(script::Hello()));
    Send(socket.Write(script::Settings()));
  }
  void Wait(std::uint64_t ns) {
    socket.Advance(ns);
    table.Tick(socket.now_ns());
  }
  testing::SocketScript socket{};
};

}  // namespace wirespan::connection
