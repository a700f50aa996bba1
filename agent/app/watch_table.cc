#include "agent/app/watch_table.h"

#include <ctime>

#include <fmt/format.h>

namespace wirespan::app {
namespace {

std::string Clean(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string Cut(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  return text.substr(0, width - 1) + "~";
}

std::string TimeOfDay(std::uint64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec,
                     ns / 1'000'000 % 1000);
}

std::string Duration(std::uint64_t ns) {
  if (ns < 1'000'000) return fmt::format("{} us", ns / 1000);
  if (ns < 10'000'000'000) return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
  return fmt::format("{:.1f} s", static_cast<double>(ns) / 1e9);
}

std::string Bytes(const std::optional<std::int64_t>& bytes) {
  if (!bytes) return "-";
  if (*bytes < 10'000) return fmt::format("{} B", *bytes);
  if (*bytes < 10'000'000) return fmt::format("{} kB", *bytes / 1000);
  return fmt::format("{} MB", *bytes / 1'000'000);
}

const char* ColourOf(int status) {
  if (status == 0 || status >= 500) return "\033[31m";
  if (status >= 400) return "\033[33m";
  return "\033[32m";
}

constexpr std::string_view kColumns = "{:<12} {:<6} {:<24} {:>6} {:>9} {:>8} {:<7} {}";

}  // namespace

std::string TableHead(const TableStyle& style) {
  const auto head = fmt::format(fmt::runtime(kColumns), "TIME", "SIDE", "SERVICE (PID)", "STATUS", "DURATION",
                                "RESPONSE", "METHOD", "URL");
  return style.colour ? "\033[1m" + head + "\033[0m" : head;
}

std::string TableRow(const WatchLine& line, const TableStyle& style) {
  const auto service = Cut(Clean(line.service), 15) + fmt::format(" ({})", line.pid);
  const auto status = line.status != 0 ? std::to_string(line.status) : std::string("none");
  auto url = Clean(line.host) + Clean(line.path);
  if (!line.incomplete.empty()) url += " [incomplete: " + Clean(line.incomplete) + "]";
  auto row = fmt::format(fmt::runtime(kColumns), TimeOfDay(line.start_ns),
                         line.server ? "server" : "client", service, status, Duration(line.duration_ns),
                         Bytes(line.response_bytes), Cut(Clean(line.method), 7), url);
  if (style.width > 20) row = Cut(std::move(row), static_cast<std::size_t>(style.width));
  return style.colour ? ColourOf(line.status) + row + "\033[0m" : row;
}

}  // namespace wirespan::app
