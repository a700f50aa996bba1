#pragma once

#include <string>

#include "tests/unit/agent/connection/table_fixture.h"

// HTTP/1 as tests of the table say it.
namespace wirespan::connection {

inline constexpr auto kRead = Direction::kRead;
inline constexpr auto kWrite = Direction::kWrite;
inline const std::string kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
inline const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// The i-th of a connection, and its answer, whose type says so too.
inline std::string Get(int i) {
  return "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}
inline std::string Answer(int i) {
  return "HTTP/1.1 200 OK\r\nContent-Type: x/" + std::to_string(i) +
         "\r\nContent-Length: 2\r\n\r\nok";
}

}  // namespace wirespan::connection
