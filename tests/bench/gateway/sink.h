#pragma once

#include <cstdint>
#include <string>

namespace wirespan::bench {

struct SinkOptions {
  std::uint16_t port = 0;
  std::uint16_t http_port = 0;  // OTLP/HTTP too; 0: none
  int delay_ms = 0;             // before each answer
  std::size_t at_once = 0;      // more requests at a time are refused (UNAVAILABLE); 0: no bound
  int refuse = 0;               // every request with this code
  bool hang = false;            // takes requests and never answers
  bool by_request = false;      // count the spans of each request number
  std::string arrived_file{};   // with by_request: "number spans" a line, at the end
};

// An OTLP/gRPC backend that counts. Prints its port, then on SIGTERM or at each line on standard
// input one line of JSON.
void Sink(const SinkOptions& options);

}  // namespace wirespan::bench
