#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

// Logs are for people: one line an incident, the noun in front ("exporter: otlp.example:4317
// unreachable, retrying in 4 s"). No payloads, no secrets. Thread-safe. spdlog stays inside log.cc:
// its headers are slow to compile.
namespace wirespan::log {

enum class Level : unsigned char { kDebug, kInfo, kWarn, kError };

struct Options {
  Level level = Level::kInfo;
  bool json = false;  // one JSON object a line: time, level, message, fields
  // "stderr", "stdout" or files, which are appended to. A file that can't be written to is told on
  // standard error, which then stands in for it.
  std::vector<std::string> outputs = {"stderr"};
  std::vector<std::pair<std::string, std::string>> fields{};  // on every line
  const Clock* clock =
      nullptr;  // of WriteLimited's minute; null: the machine's. Must outlive its use
};

// Once at start, and again on reload (files are opened anew: rotation). Lines have UTC RFC 3339
// times.
void Configure(const Options& options);
Result<Level> ParseLevel(std::string_view text);

void Write(Level level, std::string_view message);

// The same incident at most once a minute, with the number of repeats suppressed since. `key` names
// the incident.
void WriteLimited(Level level, std::string_view key, std::string_view message);

template <class... Args>
void Debug(fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kDebug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void Info(fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kInfo, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void Warn(fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kWarn, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void LogError(fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kError, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace wirespan::log
