#pragma once

#include <cstdint>
#include <string>

namespace wirespan::bench {

struct FillOptions {
  std::string folder{};  // of one exporter and signal, below file_storage's directory
  double gib = 1;
  std::size_t spans = 1000;  // in each record
};

// Writes a durable queue of traces as the gateway would have left it, without syncing, and prints
// what it holds as JSON.
void Fill(const FillOptions& options);

}  // namespace wirespan::bench
