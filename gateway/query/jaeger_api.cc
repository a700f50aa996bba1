#include "gateway/query/jaeger_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/otlp/json_text.h"
#include "gateway/query/form.h"
#include "gateway/query/jaeger_json.h"
#include "gateway/query/trace_params.h"
#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::query {

namespace {

using store::FoundTrace;
using store::QueryLimits;
using store::TraceStore;

constexpr std::size_t kMaxSpanBytes = 16u << 20;  // of one answer, as OTLP
constexpr std::size_t kPieceBytes = 64u << 10;    // about, of JSON
constexpr std::chrono::seconds kMaxTime{10};
constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr std::uint64_t kNsPerMs = 1000000;
constexpr std::uint64_t kMsPerMinute = 60000;

http::Response Json(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

http::Response Failure(int status, std::string message) {
  return Json(status, Envelope("null", 0, {{.code = status, .message = std::move(message)}}));
}

std::string JsonTexts(const auto& texts) {
  std::string out = "[";
  for (const auto& text : texts) {
    if (out.size() > 1) out += ',';
    otlp::AppendJsonString(out, text);
  }
  return out + "]";
}

// Traces as they are read: one at a time is text, and of that a piece.
class TracesBody {
 public:
  TracesBody(std::vector<FoundTrace> traces, std::vector<ApiError> errors)
      : traces_(std::move(traces)), errors_(std::move(errors)) {}

  bool Append(std::string& out) {
    const std::size_t enough = out.size() + kPieceBytes;
    if (next_ == 0 && !current_) out.append(kEnvelopeBegin) += '[';
    while (out.size() < enough) {
      if (!current_) {
        if (next_ == traces_.size()) {
          out += ']' + EnvelopeEnd(0, errors_);
          return false;
        }
        if (next_ > 0) out += ',';
        current_.emplace(std::move(traces_[next_++]));
      }
      if (!current_->Append(out, enough)) current_.reset();
    }
    return true;
  }

 private:
  std::vector<FoundTrace> traces_;
  const std::vector<ApiError> errors_;
  std::size_t next_ = 0;
  std::optional<TraceJson> current_{};
};

ApiAnswer TracesAnswer(std::vector<FoundTrace> traces, std::vector<ApiError> errors) {
  ApiAnswer answer(Json(200, {}));
  answer.rest = [body = std::make_shared<TracesBody>(std::move(traces), std::move(errors))](
                    std::string& out) -> Result<bool> { return body->Append(out); };
  return answer;
}

ApiError Incomplete() {
  return {.message = "the result is not complete: it took too long or is too large; ask for less"};
}

ApiError NotFound(const store::TraceId& id) {
  return {.message = "trace not found", .trace_id = TraceIdText(id)};
}

bool Holds(const std::vector<FoundTrace>& traces, const store::TraceId& id) {
  return std::any_of(traces.begin(), traces.end(),
                     [&](const auto& trace) { return trace.id == id; });
}

}  // namespace

ApiAnswer JaegerApi::Answer(const http::Request& request, std::function<bool()> stop) const {
  if (request.method != "GET" && request.method != "HEAD") {
    return Failure(405, "only GET is known here");
  }
  const auto until = std::chrono::steady_clock::now() + kMaxTime;
  const QueryLimits limits{.max_bytes = kMaxSpanBytes, .stop = [until, stop = std::move(stop)] {
                             return std::chrono::steady_clock::now() > until || (stop && stop());
                           }};
  std::string_view path = request.path;
  constexpr std::string_view kServices = "/api/services/";
  constexpr std::string_view kOperations = "/operations";
  constexpr std::string_view kTraces = "/api/traces/";
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/api/services") return Services();
  if (path == "/api/operations") return Operations(request);
  if (path == "/api/traces") return Traces(request, limits);
  if (path == "/api/dependencies") return Dependencies(request, limits);
  if (path.starts_with(kTraces)) return Trace(request, path.substr(kTraces.size()), limits);
  if (path.starts_with(kServices) && path.ends_with(kOperations) &&
      path.size() > kServices.size() + kOperations.size()) {
    path.remove_prefix(kServices.size());
    path.remove_suffix(kOperations.size());
    return OperationNames(PercentDecode(path, true));
  }
  return Failure(404, "no such page");
}

http::Response JaegerApi::Services() const {
  const std::vector<std::string> services = store_.Services();
  return Json(200, Envelope(JsonTexts(services), services.size()));
}

http::Response JaegerApi::OperationNames(std::string_view service) const {
  std::set<std::string> names;
  for (store::Operation& operation : store_.Operations(service)) {
    names.insert(std::move(operation.name));
  }
  return Json(200, Envelope(JsonTexts(names), names.size()));
}

http::Response JaegerApi::Operations(const http::Request& request) const {
  const Form form(request.query);
  const std::string_view service = form.Get("service");
  const std::string_view kind = form.Get("spanKind");
  if (service.empty()) return Failure(400, "parameter 'service' is required");
  std::string data = "[";
  std::size_t count = 0;
  for (const store::Operation& operation : store_.Operations(service)) {
    const std::string_view name = store::KindName(operation.kind);
    if (!kind.empty() && kind != name) continue;
    if (count++ > 0) data += ',';
    data += R"({"name":)";
    otlp::AppendJsonString(data, operation.name);
    fmt::format_to(std::back_inserter(data), R"(,"spanKind":"{}"}})", name);
  }
  return Json(200, Envelope(data + "]", count));
}

ApiAnswer JaegerApi::Traces(const http::Request& request, const QueryLimits& limits) const {
  auto params = ReadTraceParams(Form(request.query), clock_.realtime_ns());
  if (!params) return Failure(400, std::move(params.error().message));
  std::vector<ApiError> errors;
  TraceStore::Found found;
  if (params->ids.empty()) {
    found = store_.Search(params->query, limits);
  } else {
    found = store_.Get(params->ids, limits);
    for (const store::TraceId& id : params->ids) {
      if (!Holds(found.traces, id)) errors.push_back(NotFound(id));
    }
  }
  if (!found.complete) errors.push_back(Incomplete());
  return TracesAnswer(std::move(found.traces), std::move(errors));
}

ApiAnswer JaegerApi::Trace(const http::Request& request, std::string_view text,
                           const QueryLimits& limits) const {
  auto id = ReadTraceId(text);
  if (!id) return Failure(400, std::move(id.error().message));
  // Times bound the search in other backends and nothing here; they have to be times all the same.
  const Form form(request.query);
  for (const char* name : {"start", "end"}) {
    if (auto time = ReadTime(form, name, 1000, 0); !time) {
      return Failure(400, std::move(time.error().message));
    }
  }
  if (auto raw = CheckRaw(form); !raw) return Failure(400, std::move(raw.error().message));
  TraceStore::Found found = store_.Get(std::span(&*id, 1), limits);
  if (found.traces.empty() && !found.complete) return Failure(500, Incomplete().message);
  if (found.traces.empty()) return Failure(404, "trace not found");
  std::vector<ApiError> errors;
  if (!found.complete) errors.push_back(Incomplete());
  return TracesAnswer(std::move(found.traces), std::move(errors));
}

http::Response JaegerApi::Dependencies(const http::Request& request,
                                       const QueryLimits& limits) const {
  const Form form(request.query);
  const auto end_ns = ReadTime(form, "endTs", kNsPerMs, clock_.realtime_ns());
  if (!end_ns) return Failure(400, end_ns.error().message);
  const auto lookback_ns = ReadTime(form, "lookback", kNsPerMs, kDayMs * kNsPerMs);
  if (!lookback_ns) return Failure(400, lookback_ns.error().message);
  const std::string_view service = form.Get("service");
  const std::uint64_t first_ns = *end_ns - std::min(*end_ns, *lookback_ns);
  constexpr std::uint64_t kNsPerMinute = kMsPerMinute * kNsPerMs;
  const store::Edges edges = store_.Calls(first_ns / kNsPerMinute, *end_ns / kNsPerMinute, limits);
  std::string data = "[";
  for (const auto& [edge, calls] : edges) {
    if (!service.empty() && edge.parent != service && edge.child != service) continue;
    if (data.size() > 1) data += ',';
    data += R"({"parent":)";
    otlp::AppendJsonString(data, edge.parent);
    data += R"(,"child":)";
    otlp::AppendJsonString(data, edge.child);
    fmt::format_to(std::back_inserter(data), R"(,"callCount":{}}})", calls);
  }
  return Json(200, Envelope(data + "]", 0));
}

}  // namespace wirespan::gateway::query
