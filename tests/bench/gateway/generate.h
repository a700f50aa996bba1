#pragma once

#include <cstdint>
#include <string>

#include "common/otlp/compress.h"

namespace wirespan::bench {

struct GenerateOptions {
  std::string target{};
  std::size_t connections = 1;
  std::size_t in_flight = 8;
  std::size_t spans = 1000;
  otlp::Encoding compression = otlp::Encoding::kIdentity;  // kZstd: known by its first bytes
  double seconds = 5;
  double rate = 0;            // requests a second; 0: as fast as the answers come
  std::size_t distinct = 64;  // different requests, made beforehand
  bool unique = false;        // every request is new (made, and compressed, while sending)
  std::uint64_t first = 1;    // number of the first request; 0 would make an invalid trace id
  int timeout_ms = 10000;
  int pause_ms = 0;          // after a refusal
  std::string acked_file{};  // a line with the number of each request that was answered OK
};

// One OTLP/gRPC client; prints one line of JSON at its end.
void Generate(const GenerateOptions& options);
// The same with grpc-encoding named whatever it is; one connection, a closed loop, and of the
// options only those that this needs.
void GenerateHttp2(const GenerateOptions& options);

}  // namespace wirespan::bench
