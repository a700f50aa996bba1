#pragma once

#include <chrono>
#include <cstdint>

namespace wirespan::retry {

struct BackoffOptions {
  std::chrono::milliseconds initial{1000};
  std::chrono::milliseconds max{30000};           // of the undisturbed delay
  std::chrono::milliseconds max_elapsed{300000};  // since the first failure; zero: for ever
};

// The delays between attempts at one thing: doubling from `initial` to `max`, each spread evenly
// over half to one and a half of itself, so that many clients that failed together do not return
// together. Not thread-safe.
class Backoff {
 public:
  // `seed` makes the spread; give each client its own.
  Backoff(const BackoffOptions& options, std::uint64_t seed) : options_(options), state_(seed) {}

  // How long to wait after a failure at `now_ns` (monotonic). `at_least`: what the peer asked for,
  // honoured even beyond `max`. Negative: max_elapsed would be over before the wait is, give up.
  std::chrono::milliseconds Next(std::uint64_t now_ns,
                                 std::chrono::milliseconds at_least = std::chrono::milliseconds(0));
  void Reset();
  int failures() const { return failures_; }

 private:
  double Random();  // [0, 1)

  BackoffOptions options_;
  std::uint64_t state_;
  std::uint64_t first_failure_ns_ = 0;
  int failures_ = 0;
};

}  // namespace wirespan::retry
