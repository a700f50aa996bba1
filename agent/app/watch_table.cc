#include "agent/app/watch_table.h"

#include <fmt/format.h>

#include <ctime>

#include "agent/app/printable.h"
#include "agent/protocol/grpc/text.h"

namespace wirespan::app {
namespace {

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

constexpr const char* kRed = "\033[31m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kGreen = "\033[32m";

const char* ColourOf(const WatchLine& line) {
  if (line.rpc) {
    if (!line.error.empty()) return kRed;
    return line.rpc_status == grpc::kOk ? kGreen : kYellow;
  }
  if (line.status == 0 || line.status >= 500) return kRed;
  return line.status >= 400 ? kYellow : kGreen;
}

std::string StatusOf(const WatchLine& line) {
  if (line.rpc) return line.rpc_status ? std::to_string(*line.rpc_status) : "?";
  return line.status != 0 ? std::to_string(line.status) : "none";
}

// "GET", "gRPC NOT_FOUND".
std::string MethodOf(const WatchLine& line) {
  auto method = Printable(line.method);
  if (line.rpc && line.rpc_status) method += fmt::format(" {}", grpc::StatusName(*line.rpc_status));
  return method;
}

constexpr std::string_view kColumns = "{:<12} {:<6} {} {:>6} {:>9} {:>8} {} {}";
constexpr std::size_t kServiceColumns = 24, kNameColumns = 15, kMethodColumns = 7;

}  // namespace

std::string TableHead(const TableStyle& style) {
  const auto head =
      fmt::format(fmt::runtime(kColumns), "TIME", "SIDE", FillTo("SERVICE (PID)", kServiceColumns),
                  "STATUS", "DURATION", "RESPONSE", FillTo("METHOD", kMethodColumns), "URL");
  return style.colour ? "\033[1m" + head + "\033[0m" : head;
}

std::string TableRow(const WatchLine& line, const TableStyle& style) {
  // A terminal has so many columns; into a pipe goes everything.
  const bool cut = style.width > 0;
  const auto fit = [&](const std::string& text, std::size_t columns) {
    return FillTo(cut ? CutTo(text, columns) : text, columns);
  };
  const auto name = Printable(line.service);
  const auto service = fit(
      (cut ? CutTo(name, kNameColumns) : name) + fmt::format(" ({})", line.pid), kServiceColumns);
  auto url = Printable(line.host) + Printable(line.path);
  if (!line.incomplete.empty()) url += " [incomplete: " + Printable(line.incomplete) + "]";
  // A call's status is worth more than the columns' alignment.
  const auto method =
      line.rpc ? FillTo(MethodOf(line), kMethodColumns) : fit(MethodOf(line), kMethodColumns);
  auto row = fmt::format(fmt::runtime(kColumns), TimeOfDay(line.start_ns),
                         line.server ? "server" : "client", service, StatusOf(line),
                         Duration(line.duration_ns), Bytes(line.response_bytes), method, url);
  if (style.width > 20) row = CutTo(row, static_cast<std::size_t>(style.width));
  return style.colour ? ColourOf(line) + row + "\033[0m" : row;
}

}  // namespace wirespan::app
