#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

// Texts of the configuration as values. The errors are sentences that say what is expected and
// carry no position: config::Node adds it. Also used for flags and environment variables.
namespace wirespan::config {

// "true" or "false" (YAML 1.2), lower or capital.
Result<bool> ParseBool(std::string_view text);
// Decimal, 0x or 0o, with sign.
Result<std::int64_t> ParseInteger(std::string_view text);
Result<double> ParseNumber(std::string_view text);

// As Go and the Collector write them: "300ms", "1.5s", "1h30m"; units ns, us, µs, ms, s, m, h. "0"
// needs none. A minus sign is read; whether it makes sense is the caller's to say.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);
std::string FormatDuration(std::chrono::nanoseconds duration);  // "1m30s", "250ms"

// "4096", "512k" (1000s: k, M, G, T, with or without B), "64MiB" (1024s: Ki, Mi, Gi, Ti, with or
// without B).
Result<std::uint64_t> ParseSize(std::string_view text);

}  // namespace wirespan::config
