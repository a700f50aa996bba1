#include "gateway/query/rates_exposition.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>

#include "common/base/strings.h"
#include "gateway/query/api_params.h"

namespace wirespan::gateway::query {

namespace {

using store::rates::Cell;
using store::rates::SeriesKey;
using store::rates::SeriesType;
using Cells = std::map<SeriesKey, Cell>;

constexpr int kFirstOctave = 16;  // 2^16 ns, 66 us
constexpr int kLastOctave = 36;   // 69 s
constexpr int kBucketsOfOctave = 32;

void AppendLabel(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ',';
  out.append(name).append("=\"");
  for (const char c : ToUtf8(value)) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string LabelsOf(const SeriesKey& key) {
  std::string labels;
  if (key.type == SeriesType::kEdge) {
    AppendLabel(labels, "client", key.service);
    AppendLabel(labels, "server", key.name);
  } else {
    AppendLabel(labels, "service", key.service);
    AppendLabel(labels, "operation", key.name);
    AppendLabel(labels, "kind", NameOfKind(key.kind));
  }
  return labels;
}

void AppendHistogram(std::string& out, std::string_view name, const std::string& labels,
                     const Cell& cell) {
  const auto at = std::back_inserter(out);
  auto entry = cell.durations.entries().begin();
  std::uint64_t below = 0;
  for (int octave = kFirstOctave; octave <= kLastOctave; ++octave) {
    for (; entry != cell.durations.entries().end() && entry->bucket <= octave * kBucketsOfOctave;
         ++entry) {
      below += entry->count;
    }
    fmt::format_to(at, "{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, std::ldexp(1e-9, octave),
                   below);
  }
  fmt::format_to(at, "{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, cell.count);
  fmt::format_to(at, "{}_sum{{{}}} {}\n", name, labels, static_cast<double>(cell.sum_ns) / 1e9);
  fmt::format_to(at, "{}_count{{{}}} {}\n", name, labels, cell.count);
}

void AppendFamilies(std::string& out, const Cells& cells, SeriesType type, std::string_view prefix,
                    std::string_view what) {
  const std::string durations = fmt::format("{}_duration_seconds", prefix);
  const std::string errors = fmt::format("{}_errors_total", prefix);
  fmt::format_to(std::back_inserter(out),
                 "# HELP {} How long {} took, since the store was opened\n# TYPE {} histogram\n",
                 durations, what, durations);
  for (const auto& [key, cell] : cells) {
    if (key.type == type) AppendHistogram(out, durations, LabelsOf(key), cell);
  }
  fmt::format_to(std::back_inserter(out),
                 "# HELP {} Those that failed, since the store was opened\n# TYPE {} counter\n",
                 errors, errors);
  for (const auto& [key, cell] : cells) {
    if (key.type != type) continue;
    fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", errors, LabelsOf(key), cell.errors);
  }
}

}  // namespace

std::string RatesExposition(const Cells& cells) {
  std::string out;
  AppendFamilies(out, cells, SeriesType::kOperation, "wirespan_operation", "spans of an operation");
  AppendFamilies(out, cells, SeriesType::kEdge, "wirespan_call",
                 "calls from one service to another");
  return out;
}

}  // namespace wirespan::gateway::query
