#include "agent/app/memory_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "common/base/unique_fd.h"
#include "common/telemetry/log.h"

namespace wirespan::app {
namespace {

using connection::Pressure;

constexpr std::uint64_t kTrimNs = 1'000'000'000;

}  // namespace

MemoryGuard::MemoryGuard(std::uint64_t limit_bytes, std::function<std::uint64_t()> used,
                         std::function<void()> trim, telemetry::Registry& registry)
    : limit_(limit_bytes),
      used_(std::move(used)),
      trim_(std::move(trim)),
      used_gauge_(registry.gauge("wirespan_memory_bytes",
                                 "Private resident memory, which memory.limit bounds")),
      level_gauge_(
          registry.gauge("wirespan_memory_pressure", "0: none, 1: near memory.limit, 2: over it")),
      near_(registry.counter("wirespan_memory_pressure_total",
                             "Times that memory came near its limit, or over it",
                             {{"level", "near"}})),
      over_(registry.counter("wirespan_memory_pressure_total", "", {{"level", "over"}})) {
  registry.gauge("wirespan_memory_limit_bytes", "memory.limit")
      .Set(static_cast<double>(limit_bytes));
}

Pressure MemoryGuard::Look(std::uint64_t now_ns) {
  const std::uint64_t used = used_();
  used_gauge_.Set(static_cast<double>(used));
  const auto above = [&](std::uint64_t percent) { return used > limit_ / 100 * percent; };
  Pressure level = Pressure::kNone;
  if (above(95) || (level_ == Pressure::kOver && above(90))) {
    level = Pressure::kOver;
  } else if (above(80) || (level_ != Pressure::kNone && above(75))) {
    level = Pressure::kNear;
  }
  if (level > level_) {
    (level == Pressure::kOver ? over_ : near_).Add();
    log::WriteLimited(
        log::Level::kWarn, "memory-pressure",
        fmt::format("memory: {} MiB of memory.limit's {} are used: {}", used >> 20, limit_ >> 20,
                    level == Pressure::kOver
                        ? "captured data is dropped and counted until there is room again"
                        : "new connections are not followed until there is room again"));
  }
  level_ = level;
  level_gauge_.Set(static_cast<double>(level));
  if (level != Pressure::kNone && now_ns - trimmed_ns_ >= kTrimNs) {
    trimmed_ns_ = now_ns;
    trim_();
  }
  return level;
}

std::uint64_t PrivateMemory() {
  const UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128];
  const auto got = file.valid() ? ::read(file.get(), text, sizeof(text)) : -1;
  if (got <= 0) return 0;
  // size resident shared ..., in pages
  const char* at = text;
  const char* end = text + got;
  std::uint64_t pages[3] = {0, 0, 0};
  for (std::uint64_t& one : pages) {
    const auto read = std::from_chars(at, end, one);
    if (read.ec != std::errc()) return 0;
    at = read.ptr + (read.ptr < end);
  }
  if (pages[1] < pages[2]) return 0;
  return (pages[1] - pages[2]) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace wirespan::app
