#pragma once

#include <cstdint>
#include <string>

// Requests of a fleet of services, each trace a chain of calls through some of them: 3 to 13 spans
// (8 on average) of about 600 bytes, with a dozen attributes and resources of six. One span in
// fifty failed, one in a thousand took two seconds. A trace begins every 8 ms: 1,000 spans a
// second.
namespace wirespan::bench {

inline constexpr std::uint64_t kMeanSpans = 8;
inline constexpr std::uint64_t kServices = 100;
inline constexpr std::uint64_t kOperations = 20;  // of each service
inline constexpr std::uint64_t kUsers = 50000;
inline constexpr std::uint64_t kTraceEveryNs = 8'000'000;

class Fleet {
 public:
  explicit Fleet(std::uint64_t first_ns) : first_ns_(first_ns) {}

  std::uint64_t first_ns() const { return first_ns_; }
  static std::uint64_t SpansOf(std::uint64_t trace);
  // A request with the one trace; joined by concatenation.
  std::string Trace(std::uint64_t trace) const;

 private:
  const std::uint64_t first_ns_;
};

std::string TraceIdOf(std::uint64_t trace);  // 16 bytes
std::string ServiceName(std::uint64_t number);
std::string OperationName(std::uint64_t service, std::uint64_t number);

}  // namespace wirespan::bench
