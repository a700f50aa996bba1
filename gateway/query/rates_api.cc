#include "gateway/query/rates_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "common/base/version.h"
#include "common/otlp/json_text.h"
#include "gateway/query/api_params.h"
#include "gateway/query/coverage_json.h"
#include "gateway/query/rates_exposition.h"
#include "gateway/query/trace_params.h"
#include "gateway/sink/store/rates/edges.h"

namespace wirespan::gateway::query {

namespace {

using otlp::AppendJsonString;
using store::rates::Cell;
using store::rates::CellTime;
using store::rates::Durations;
using store::rates::SeriesKey;
using store::rates::SeriesType;

constexpr std::uint64_t kServer = 2;
constexpr std::uint64_t kConsumer = 5;
constexpr std::uint64_t kNsPerUs = 1000;
constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::size_t kMostPoints = 11000;
constexpr std::chrono::seconds kMaxTime{10};

bool ServesKind(std::uint64_t kind) { return kind == kServer || kind == kConsumer; }

http::Response Json(std::string body) {
  return {.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

http::Response Incomplete() { return ApiFailure(503, "it took too long; ask for less time"); }

double ToUs(double ns) { return ns / static_cast<double>(kNsPerUs); }

// "count":1,"errors":0,"from_metrics":0,"p50_us":...,"p95_us":...,"p99_us":...
void AppendCell(std::string& out, const Cell& cell) {
  fmt::format_to(
      std::back_inserter(out),
      R"("count":{},"errors":{},"from_metrics":{},"p50_us":{:.3f},"p95_us":{:.3f},"p99_us":{:.3f})",
      cell.count, cell.errors, cell.from_metrics, ToUs(cell.durations.PercentileNs(0.50)),
      ToUs(cell.durations.PercentileNs(0.95)), ToUs(cell.durations.PercentileNs(0.99)));
}

// {"name":[{<head>,<cell>},...]}, those with the most spans first, then by their keys.
template <class Key, class Head>
std::string JsonList(std::string_view name, const std::map<Key, Cell>& cells, std::size_t limit,
                     const Head& append_head) {
  std::vector<const std::pair<const Key, Cell>*> sorted;
  for (const auto& entry : cells) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->second.count > b->second.count; });
  if (sorted.size() > limit) sorted.resize(limit);
  std::string out = fmt::format(R"({{"{}":[)", name);
  for (const auto* entry : sorted) {
    if (entry != sorted.front()) out += ',';
    out += '{';
    append_head(out, entry->first);
    out += ',';
    AppendCell(out, entry->second);
    out += '}';
  }
  return out + "]}";
}

void AppendText(std::string& out, std::string_view key, std::string_view value) {
  fmt::format_to(std::back_inserter(out), R"("{}":)", key);
  AppendJsonString(out, value);
}

// What is asked of a list: when, and how much.
struct ListParams {
  TimeRange time{};
  std::size_t limit = 0;
};
Result<ListParams> ReadListParams(const Form& form, std::uint64_t now_ns) {
  auto time = ReadTimeRange(form, now_ns);
  if (!time) return tl::unexpected(time.error());
  auto limit = ReadResultLimit(form);
  if (!limit) return tl::unexpected(limit.error());
  return ListParams{.time = *time, .limit = *limit};
}

// What is asked of a series.
struct SeriesParams {
  TimeRange time{};
  std::string_view service{};
  std::string_view operation{};         // empty: all of the service's
  std::optional<std::uint64_t> kind{};  // none: what it serves
  std::uint64_t step_s = 0;

  bool Wants(const SeriesKey& key) const {
    return key.type == SeriesType::kOperation && key.service == service &&
           (operation.empty() || key.name == operation) &&
           (kind ? key.kind == *kind : ServesKind(key.kind));
  }
};

Result<SeriesParams> ReadSeriesParams(const Form& form, std::uint64_t now_ns) {
  const auto refuse = [](std::string message) {
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  };
  SeriesParams params{.service = form.Get("service"), .operation = form.Get("operation")};
  if (params.service.empty()) return refuse("parameter 'service' is required");
  auto time = ReadTimeRange(form, now_ns);
  if (!time) return tl::unexpected(time.error());
  params.time = *time;
  if (const std::string_view text = form.Get("kind"); !text.empty()) {
    auto kind = ReadKind(text);
    if (!kind) return tl::unexpected(kind.error());
    params.kind = *kind;
  }
  // As wide as cells of the range's beginning are by now.
  const CellTime first{params.time.first_s, 0};
  const std::uint64_t finest_s =
      std::max(store::rates::RollUp(first, now_ns / kNsPerS).width_s, store::rates::kFineS);
  auto step = ReadTime(form, "step", 1, finest_s);
  if (!step) return tl::unexpected(step.error());
  if (*step == 0 || *step % finest_s != 0) {
    return refuse(fmt::format("'step' should be a multiple of {} s for this time", finest_s));
  }
  params.step_s = *step;
  return params;
}

std::string JsonPoints(const std::map<std::uint64_t, Cell>& points, std::uint64_t step_s) {
  std::string out = fmt::format(R"({{"step_s":{},"points":[)", step_s);
  bool first = true;
  for (const auto& [start_s, cell] : points) {
    if (!std::exchange(first, false)) out += ',';
    fmt::format_to(std::back_inserter(out), R"({{"t_s":{},)", start_s);
    AppendCell(out, cell);
    out += R"(,"buckets":[)";
    for (const Durations::Entry& entry : cell.durations.entries()) {
      if (out.back() != '[') out += ',';
      fmt::format_to(std::back_inserter(out), "[{:.3f},{}]", ToUs(Durations::UpperNs(entry.bucket)),
                     entry.count);
    }
    out += "]}";
  }
  return out + "]}";
}

}  // namespace

http::Response ApiFailure(int status, std::string_view message) {
  std::string body = R"({"error":)";
  AppendJsonString(body, message);
  http::Response response = Json(body + "}");
  response.status = status;
  return response;
}

http::Response RatesApi::Answer(const http::Request& request, const Stop& gone) const {
  const auto until = std::chrono::steady_clock::now() + kMaxTime;
  const Stop stop = [&] { return std::chrono::steady_clock::now() > until || (gone && gone()); };
  if (request.method != "GET" && request.method != "HEAD") {
    return ApiFailure(405, "only GET is known here");
  }
  const Form form(request.query);
  const std::string_view path = request.path;
  if (path == "/wirespan/api/services") return Services(form, stop);
  if (path == "/wirespan/api/operations") return Operations(form, stop);
  if (path == "/wirespan/api/edges") return Edges(form, stop);
  if (path == "/wirespan/api/series") return Series(form, stop);
  if (path == "/wirespan/api/about") return About();
  if (path == "/wirespan/api/coverage") {
    using Nodes = std::vector<store::NodeCoverage>;
    return Json(CoverageJson(coverage_ ? coverage_->Nodes(clock_.realtime_ns()) : Nodes{}));
  }
  if (path == "/wirespan/metrics") {
    return {.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
            .body = RatesExposition(store_.RatesSinceOpening())};
  }
  return ApiFailure(404, "no such page");
}

http::Response RatesApi::Services(const Form& form, const Stop& stop) const {
  const auto params = ReadListParams(form, clock_.realtime_ns());
  if (!params) return ApiFailure(400, params.error().message);
  std::map<std::string, Cell> services;
  const bool complete = store_.VisitRates(
      params->time.first_s, params->time.last_s, stop,
      [&](const SeriesKey& key, CellTime, const Cell& cell) {
        Cell& service = services[key.service];  // a caller is there, even if it serves nothing
        if (key.type == SeriesType::kOperation && ServesKind(key.kind)) service.Merge(cell);
      });
  if (!complete) return Incomplete();
  return Json(JsonList(
      "services", services, params->limit,
      [](std::string& out, const std::string& service) { AppendText(out, "service", service); }));
}

http::Response RatesApi::Operations(const Form& form, const Stop& stop) const {
  const auto params = ReadListParams(form, clock_.realtime_ns());
  if (!params) return ApiFailure(400, params.error().message);
  const std::string_view service = form.Get("service");
  if (service.empty()) return ApiFailure(400, "parameter 'service' is required");
  std::map<std::pair<std::string, std::uint64_t>, Cell> operations;  // name, kind
  const bool complete =
      store_.VisitRates(params->time.first_s, params->time.last_s, stop,
                        [&](const SeriesKey& key, CellTime, const Cell& cell) {
                          if (key.type != SeriesType::kOperation || key.service != service) return;
                          operations[{key.name, key.kind}].Merge(cell);
                        });
  if (!complete) return Incomplete();
  return Json(JsonList("operations", operations, params->limit,
                       [](std::string& out, const auto& operation) {
                         AppendText(out, "operation", operation.first);
                         out += ',';
                         AppendText(out, "kind", NameOfKind(operation.second));
                       }));
}

http::Response RatesApi::Edges(const Form& form, const Stop& stop) const {
  const auto params = ReadListParams(form, clock_.realtime_ns());
  if (!params) return ApiFailure(400, params.error().message);
  store::rates::EdgeSum sum;
  const bool complete = store_.VisitRates(
      params->time.first_s, params->time.last_s, stop,
      [&](const SeriesKey& key, CellTime, const Cell& cell) { sum.Add(key, cell); });
  if (!complete) return Incomplete();
  std::map<std::tuple<std::string, std::string, bool>, Cell> edges;  // client, server, observed
  for (store::rates::Edge& edge : sum.Edges()) {
    edges[{std::move(edge.client), std::move(edge.server), edge.observed}] = std::move(edge.cell);
  }
  return Json(JsonList("edges", edges, params->limit, [](std::string& out, const auto& edge) {
    AppendText(out, "client", std::get<0>(edge));
    out += ',';
    AppendText(out, "server", std::get<1>(edge));
    out += std::get<2>(edge) ? R"(,"observed":true)" : R"(,"observed":false)";
  }));
}

http::Response RatesApi::Series(const Form& form, const Stop& stop) const {
  const auto params = ReadSeriesParams(form, clock_.realtime_ns());
  if (!params) return ApiFailure(400, params.error().message);
  std::map<std::uint64_t, Cell> points;
  const bool complete =
      store_.VisitRates(params->time.first_s, params->time.last_s, stop,
                        [&](const SeriesKey& key, CellTime time, const Cell& cell) {
                          if (!params->Wants(key)) return;
                          points[time.start_s - time.start_s % params->step_s].Merge(cell);
                        });
  if (!complete) return Incomplete();
  if (points.size() > kMostPoints) {
    return ApiFailure(
        400, fmt::format("these are more than {} points; ask for a larger 'step'", kMostPoints));
  }
  return Json(JsonPoints(points, params->step_s));
}

http::Response RatesApi::About() const {
  const store::StoreCounts counts = store_.counts();
  const store::StoreOptions& options = store_.options();
  std::string out = R"({"version":)";
  AppendJsonString(out, kVersion);
  fmt::format_to(std::back_inserter(out),
                 R"(,"started_us":{},"spans":{},"bytes":{},"oldest_us":{},"limit_bytes":{},)"
                 R"("limit_age_s":{}}})",
                 started_ns_ / kNsPerUs, counts.spans, counts.disk_bytes,
                 counts.oldest_start_ns / kNsPerUs, options.max_disk_bytes,
                 options.max_age.count() / 1000);
  return Json(std::move(out));
}

}  // namespace wirespan::gateway::query
