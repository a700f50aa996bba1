#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// OpenTelemetry's consistent probability sampling: a threshold is a 56-bit number of what is
// rejected, and an item with the randomness R is sampled if R >= threshold. Both travel in the "ot"
// entry of a W3C tracestate: "ot=rv:<14 hex digits>;th:<up to 14, zeros at the end left out>".
namespace wirespan::gateway {

inline constexpr std::uint64_t kMaxAdjustedCount = std::uint64_t{1} << 56;
inline constexpr std::uint64_t kAlwaysSample = 0;
inline constexpr std::uint64_t kNeverSample = kMaxAdjustedCount;  // above every randomness

std::string ThresholdText(std::uint64_t threshold);    // "0" for always, "c" for 25 %
std::string RandomnessText(std::uint64_t randomness);  // 14 digits
std::optional<std::uint64_t> ParseThreshold(std::string_view text);
std::optional<std::uint64_t> ParseRandomness(std::string_view text);

// The specification's conversion: `precision` hexadecimal digits that count (1 to 14; 0: all), more
// where leading 0 or f digits carry nothing. nullopt: not in [2^-56, 1].
std::optional<std::uint64_t> ThresholdOf(double probability, int precision);
inline double ProbabilityOf(std::uint64_t threshold) {
  return static_cast<double>(kMaxAdjustedCount - threshold) /
         static_cast<double>(kMaxAdjustedCount);
}

// The last seven bytes of a trace id of 16 are random (W3C Trace Context level 2).
std::uint64_t RandomnessOfTraceId(std::string_view trace_id);

// FNV-1a over the seed's four bytes (little-endian) and `bytes`, as the Collector's sampler hashes.
std::uint32_t SamplingHash(std::string_view bytes, std::uint32_t seed);
// The hash as a randomness: its low 14 bits decide, as the Collector's sampler has always done.
std::uint64_t RandomnessOfHash(std::string_view bytes, std::uint32_t seed);

// A tracestate, as far as sampling is concerned.
class TraceState {
 public:
  // nullopt: not a tracestate, or its "ot" entry is none.
  static std::optional<TraceState> Parse(std::string_view text);

  std::optional<std::uint64_t> threshold{};
  std::optional<std::uint64_t> randomness{};

  std::string Text() const;

 private:
  std::string ot_others_{};  // "key:value;..." of the ot entry
  std::string others_{};     // "vendor=value,..."
};

}  // namespace wirespan::gateway
