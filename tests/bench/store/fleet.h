#pragma once

#include <cstdint>
#include <string>

// Requests of a fleet of services: traces of eight spans over four of twenty services, spans of
// about 450 bytes with 12 attributes, a millisecond apart.
namespace wirespan::bench {

inline constexpr std::uint64_t kTraceSpans = 8;
inline constexpr std::uint64_t kServices = 20;
inline constexpr std::uint64_t kUsers = 50000;
inline constexpr std::uint64_t kFirstNs = 1'700'000'000'000'000'000;

// The trace that is number `number`, as a request of its own; `spans` of a batch are joined by
// concatenation.
std::string TraceOf(std::uint64_t number);
std::string TraceIdOf(std::uint64_t number);  // 16 bytes
std::string ServiceName(std::uint64_t number);
std::string OperationName(std::uint64_t number);

}  // namespace wirespan::bench
