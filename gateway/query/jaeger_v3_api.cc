#include "gateway/query/jaeger_v3_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/otlp/json.h"
#include "common/otlp/json_text.h"
#include "common/otlp/walk.h"
#include "gateway/query/rfc3339.h"
#include "gateway/query/trace_params.h"
#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::query {

namespace {

using store::QueryLimits;
using store::TraceStore;

constexpr std::size_t kMaxSpanBytes = 16u << 20;  // of one answer, as OTLP
constexpr std::chrono::seconds kMaxTime{10};

http::Response Json(std::string body) {
  return {.headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

// {"error":{"httpCode":404,"message":"..."}}
http::Response Failure(int status, std::string_view message) {
  std::string body = fmt::format(R"({{"error":{{"httpCode":{},"message":)", status);
  otlp::AppendJsonString(body, message);
  http::Response response = Json(body + "}}");
  response.status = status;
  return response;
}

// A parameter that may be written in several ways: the first one that is there.
struct Parameter {
  std::string_view name{};
  std::string_view text{};
  bool there() const { return !text.empty(); }
};
Parameter Find(const Form& form, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const std::string_view text = form.Get(name); !text.empty()) return {name, text};
  }
  return {*names.begin(), {}};
}

tl::unexpected<Error> Malformed(std::string_view name, std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("malformed parameter {}: {}", name, what));
}

Result<std::uint64_t> TimeOf(const Parameter& parameter) {
  const auto time = ParseRfc3339(parameter.text);
  if (!time) return Malformed(parameter.name, "this is no RFC 3339 time");
  return *time;
}

Result<std::uint64_t> DurationOf(const Parameter& parameter, std::uint64_t fallback_ns) {
  if (!parameter.there()) return fallback_ns;
  const auto duration = ParseGoDuration(parameter.text);
  if (!duration) {
    return Malformed(parameter.name, "time: invalid duration " + QuotedForMessage(parameter.text));
  }
  return *duration == 0 ? fallback_ns : *duration;  // zero is no bound
}

// Spans are shown as they came, so `raw` changes nothing; but it has to be a bool.
Result<> CheckBool(const Parameter& parameter) {
  if (!parameter.there() || IsGoBool(parameter.text)) return {};
  return Malformed(parameter.name, fmt::format("strconv.ParseBool: parsing {}: invalid syntax",
                                               QuotedForMessage(parameter.text)));
}

Result<store::TraceQuery> ReadQuery(const Form& form) {
  store::TraceQuery query;
  query.service = Find(form, {"query.serviceName", "query.service_name"}).text;
  query.operation = Find(form, {"query.operationName", "query.operation_name"}).text;
  const Parameter first = Find(form, {"query.startTimeMin", "query.start_time_min"});
  const Parameter last = Find(form, {"query.startTimeMax", "query.start_time_max"});
  if (!first.there() || !last.there()) {
    return Fail(ErrorCode::kInvalidArgument,
                "query.startTimeMin and query.startTimeMax are required");
  }
  auto first_ns = TimeOf(first);
  if (!first_ns) return tl::unexpected(first_ns.error());
  auto last_ns = TimeOf(last);
  if (!last_ns) return tl::unexpected(last_ns.error());
  query.start_min_ns = *first_ns;
  query.start_max_ns = *last_ns;
  const Parameter depth =
      Find(form, {"query.searchDepth", "query.num_traces", "query.search_depth"});
  if (depth.there()) {
    const auto count = ParseInt(depth.text);
    if (!count || *count < 0) {
      return Malformed(depth.name, fmt::format("strconv.Atoi: parsing {}: invalid syntax",
                                               QuotedForMessage(depth.text)));
    }
    // Zero is Jaeger's "as many as you like".
    if (*count > 0) query.limit = std::min(static_cast<std::size_t>(*count), kMaxLimit);
  }
  auto least = DurationOf(Find(form, {"query.durationMin", "query.duration_min"}), 0);
  if (!least) return tl::unexpected(least.error());
  auto most = DurationOf(Find(form, {"query.durationMax", "query.duration_max"}),
                         std::numeric_limits<std::uint64_t>::max());
  if (!most) return tl::unexpected(most.error());
  query.duration_min_ns = *least;
  query.duration_max_ns = *most;
  if (auto raw = CheckBool(Find(form, {"query.rawTraces", "query.raw_traces"})); !raw) {
    return tl::unexpected(raw.error());
  }
  return query;
}

// All traces in one, as Jaeger does. Each is cut into requests, and of their JSON the list is
// taken.
class TracesBody {
 public:
  explicit TracesBody(std::vector<store::FoundTrace> traces) : traces_(std::move(traces)) {}

  Result<bool> Append(std::string& out) {
    if (next_ == 0) out += kBegin;
    if (parts_.empty() && next_ < traces_.size()) {
      if (next_ > 0) out += ',';
      const store::FoundTrace trace = std::move(traces_[next_++]);
      std::vector<otlp::Part> parts = otlp::Split(
          otlp::Signal::kTraces, trace.spans, std::numeric_limits<std::size_t>::max(), kPartBytes);
      parts_.assign(std::make_move_iterator(parts.begin()), std::make_move_iterator(parts.end()));
    } else if (!parts_.empty()) {
      out += ',';
    }
    if (!parts_.empty()) {
      auto json = otlp::RequestToJson(otlp::Signal::kTraces, parts_.front().bytes);
      if (!json) return tl::unexpected(json.error());
      parts_.pop_front();
      if (!json->starts_with(kListBegin) || !json->ends_with(kListEnd)) {
        return Fail(ErrorCode::kUnknown, "spans without a list of resources");
      }
      out.append(*json, kListBegin.size(), json->size() - kListBegin.size() - kListEnd.size());
    }
    if (!parts_.empty() || next_ < traces_.size()) return true;
    out += kEnd;
    return false;
  }

 private:
  static constexpr std::string_view kListBegin = R"({"resourceSpans":[)";
  static constexpr std::string_view kListEnd = "]}";
  static constexpr std::string_view kBegin = R"({"result":{"resourceSpans":[)";
  static constexpr std::string_view kEnd = "]}}";
  static constexpr std::size_t kPartBytes = 32u << 10;  // of spans, about

  std::vector<store::FoundTrace> traces_;
  std::size_t next_ = 0;
  std::deque<otlp::Part> parts_{};  // of the trace before `next_`
};

ApiAnswer TracesAnswer(TraceStore::Found found) {
  if (!found.complete) {
    return Failure(503, "the result took too long or is too large; ask for less");
  }
  if (found.traces.empty()) return Failure(404, "No traces found");
  ApiAnswer answer(Json({}));
  answer.rest = [body = std::make_shared<TracesBody>(std::move(found.traces))](std::string& out) {
    return body->Append(out);
  };
  return answer;
}

}  // namespace

ApiAnswer JaegerV3Api::Answer(const http::Request& request,
                              const std::function<bool()>& gone) const {
  if (request.method != "GET" && request.method != "HEAD") {
    return Failure(405, "only GET is known here");
  }
  const auto until = std::chrono::steady_clock::now() + kMaxTime;
  const QueryLimits limits{.max_bytes = kMaxSpanBytes, .stop = [&] {
                             return std::chrono::steady_clock::now() > until || (gone && gone());
                           }};
  const Form form(request.query);
  const std::string_view path = request.path;
  constexpr std::string_view kTraces = "/api/v3/traces/";
  if (path == "/api/v3/services") return Services();
  if (path == "/api/v3/operations") return Operations(form);
  if (path == "/api/v3/traces") return Search(form, limits);
  if (path.starts_with(kTraces)) return Trace(path.substr(kTraces.size()), form, limits);
  return Failure(404, "no such page");
}

http::Response JaegerV3Api::Services() const {
  std::string body = R"({"services":[)";
  for (const std::string& service : store_.Services()) {
    if (body.back() != '[') body += ',';
    otlp::AppendJsonString(body, service);
  }
  return Json(body + "]}");
}

http::Response JaegerV3Api::Operations(const Form& form) const {
  const std::string_view kind = Find(form, {"spanKind", "span_kind"}).text;
  std::string body = R"({"operations":[)";
  for (const store::Operation& operation : store_.Operations(form.Get("service"))) {
    const std::string_view name = store::KindName(operation.kind);
    if (!kind.empty() && kind != name) continue;
    if (body.back() != '[') body += ',';
    body += R"({"name":)";
    otlp::AppendJsonString(body, operation.name);
    if (!name.empty()) body.append(R"(,"spanKind":")").append(name).append("\"");
    body += '}';
  }
  return Json(body + "]}");
}

ApiAnswer JaegerV3Api::Search(const Form& form, const QueryLimits& limits) const {
  const auto query = ReadQuery(form);
  if (!query) return Failure(400, query.error().message);
  return TracesAnswer(store_.Search(*query, limits));
}

ApiAnswer JaegerV3Api::Trace(std::string_view text, const Form& form,
                             const QueryLimits& limits) const {
  const auto id = ReadTraceId(text);
  if (!id) return Failure(400, "malformed parameter trace_id: " + id.error().message);
  for (const Parameter& time :
       {Find(form, {"startTime", "start_time"}), Find(form, {"endTime", "end_time"})}) {
    if (!time.there()) continue;
    if (const auto known = TimeOf(time); !known) return Failure(400, known.error().message);
  }
  if (const auto raw = CheckBool(Find(form, {"rawTraces", "raw_traces"})); !raw) {
    return Failure(400, raw.error().message);
  }
  return TracesAnswer(store_.Get(std::span(&*id, 1), limits));
}

}  // namespace wirespan::gateway::query
