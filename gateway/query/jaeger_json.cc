#include "gateway/query/jaeger_json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

#include "common/base/strings.h"
#include "common/otlp/json_text.h"
#include "gateway/sink/store/tags.h"
#include "gateway/sink/value_text.h"

namespace wirespan::gateway::query {

namespace {

using otlp::AppendJsonString;

// Numbers beyond it are no longer exact in JavaScript: Jaeger writes them as text.
constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;

// {"key":...,"type":...,"value":...} after another.
class TagList {
 public:
  explicit TagList(std::string& out) : out_(out) { out_ += '['; }
  void Close() { out_ += ']'; }

  void Text(std::string_view key, std::string_view text) {
    Begin(key, "string");
    AppendJsonString(out_, text);
    out_ += '}';
  }
  void Flag(std::string_view key, bool value) {
    Begin(key, "bool");
    out_ += value ? "true}" : "false}";
  }
  void Attribute(const AttributeView& attribute) {
    const PlainValue value = ReadValue(attribute.value);
    switch (value.kind) {
      case PlainValue::Kind::kText:
        Text(attribute.key, value.text);
        break;
      case PlainValue::Kind::kBool:
        Flag(attribute.key, value.boolean);
        break;
      case PlainValue::Kind::kInt:
        Begin(attribute.key, "int64");
        if (value.integer > kMaxSafeInteger || value.integer < -kMaxSafeInteger) {
          fmt::format_to(std::back_inserter(out_), "\"{}\"}}", value.integer);
        } else {
          fmt::format_to(std::back_inserter(out_), "{}}}", value.integer);
        }
        break;
      case PlainValue::Kind::kDouble:
        Begin(attribute.key, "float64");
        if (std::isfinite(value.real)) {
          fmt::format_to(std::back_inserter(out_), "{}}}", value.real);
        } else {  // JSON has no such number
          fmt::format_to(std::back_inserter(out_), "\"{}\"}}", value.real);
        }
        break;
      case PlainValue::Kind::kBytes:
        Begin(attribute.key, "binary");
        AppendJsonString(out_, Base64(value.text));
        out_ += '}';
        break;
    }
  }

 private:
  void Begin(std::string_view key, std::string_view type) {
    if (!std::exchange(first_, false)) out_ += ',';
    out_ += R"({"key":)";
    AppendJsonString(out_, key);
    fmt::format_to(std::back_inserter(out_), R"(,"type":"{}","value":)", type);
  }

  std::string& out_;
  bool first_ = true;
};

void AppendReference(std::string& out, std::string_view trace_id, std::string_view span_id,
                     std::string_view type) {
  if (out.back() != '[') out += ',';
  fmt::format_to(std::back_inserter(out), R"({{"refType":"{}","traceID":"{}","spanID":"{:016x}"}})",
                 type, TraceIdText(store::ToTraceId(trace_id)), store::ReadBigEndian(span_id));
}

void AppendLog(std::string& out, const EventView& event) {
  fmt::format_to(std::back_inserter(out), R"({{"timestamp":{},"fields":)", event.time_ns / 1000);
  TagList fields(out);
  bool named = false;
  for (const AttributeView& attribute : event.attributes) named |= attribute.key == "event";
  if (!event.name.empty() && !named) fields.Text("event", event.name);
  for (const AttributeView& attribute : event.attributes) fields.Attribute(attribute);
  fields.Close();
  out += '}';
}

void AppendTags(std::string& out, const ScopeView& scope, const SpanView& span) {
  TagList tags(out);
  for (const AttributeView& attribute : span.attributes) tags.Attribute(attribute);
  if (!scope.name.empty()) tags.Text("otel.scope.name", scope.name);
  if (!scope.version.empty()) tags.Text("otel.scope.version", scope.version);
  const std::string_view kind = store::KindName(span.kind);
  if (!kind.empty()) tags.Text("span.kind", kind);
  if (span.status == 1) tags.Text("otel.status_code", "OK");
  if (span.status == 2) {
    tags.Text("otel.status_code", "ERROR");
    tags.Flag("error", true);
  }
  if (!span.status_message.empty()) tags.Text("otel.status_description", span.status_message);
  if (!span.trace_state.empty()) tags.Text("w3c.tracestate", span.trace_state);
  tags.Close();
}

void AppendSpan(std::string& out, const ScopeView& scope, const SpanView& span,
                std::size_t process) {
  const std::string trace_id = TraceIdText(store::ToTraceId(span.trace_id));
  fmt::format_to(std::back_inserter(out), R"({{"traceID":"{}","spanID":"{:016x}","operationName":)",
                 trace_id, store::ReadBigEndian(span.span_id));
  AppendJsonString(out, span.name);
  out += R"(,"references":[)";
  if (store::ReadBigEndian(span.parent_id) != 0) {
    AppendReference(out, span.trace_id, span.parent_id, "CHILD_OF");
  }
  for (const LinkView& link : span.links) {
    AppendReference(out, link.trace_id, link.span_id, "FOLLOWS_FROM");
  }
  const std::uint64_t duration_ns = span.end_ns > span.start_ns ? span.end_ns - span.start_ns : 0;
  fmt::format_to(std::back_inserter(out), R"(],"startTime":{},"duration":{},"tags":)",
                 span.start_ns / 1000, duration_ns / 1000);
  AppendTags(out, scope, span);
  out += R"(,"logs":[)";
  for (std::size_t i = 0; i < span.events.size(); ++i) {
    if (i > 0) out += ',';
    AppendLog(out, span.events[i]);
  }
  fmt::format_to(std::back_inserter(out), R"(],"processID":"p{}","warnings":null}})", process);
}

std::string ProcessJson(const ResourceView& resource) {
  std::string out = R"({"serviceName":)";
  AppendJsonString(out, ServiceName(resource));
  out += R"(,"tags":)";
  TagList tags(out);
  for (const AttributeView& attribute : resource.attributes) {
    if (attribute.key != "service.name") tags.Attribute(attribute);
  }
  tags.Close();
  return out + "}";
}

}  // namespace

std::string TraceIdText(const store::TraceId& id) {
  return id.high == 0 ? fmt::format("{:016x}", id.low)
                      : fmt::format("{:016x}{:016x}", id.high, id.low);
}

TraceJson::TraceJson(store::FoundTrace trace) : trace_(std::move(trace)), spans_(trace_.spans) {}

std::size_t TraceJson::ProcessOfSpan() {
  if (spans_.group() != group_) {
    group_ = spans_.group();
    process_ =
        processes_.try_emplace(ProcessJson(spans_.resource()), processes_.size() + 1).first->second;
  }
  return process_;
}

bool TraceJson::Append(std::string& out, std::size_t bytes) {
  if (!std::exchange(begun_, true)) {
    fmt::format_to(std::back_inserter(out), R"({{"traceID":"{}","spans":[)",
                   TraceIdText(trace_.id));
  }
  while (spans_.Next()) {
    if (group_ != 0) out += ',';
    const std::size_t process = ProcessOfSpan();
    AppendSpan(out, spans_.scope(), spans_.span(), process);
    if (out.size() >= bytes) return true;
  }
  out += R"(],"processes":{)";
  bool first = true;
  for (const auto& [json, number] : processes_) {
    if (!std::exchange(first, false)) out += ',';
    fmt::format_to(std::back_inserter(out), R"("p{}":{})", number, json);
  }
  out += R"(},"warnings":null})";
  return false;
}

std::string Envelope(std::string_view data, std::size_t total,
                     const std::vector<ApiError>& errors) {
  std::string out(kEnvelopeBegin);
  return out.append(data) + EnvelopeEnd(total, errors);
}

std::string EnvelopeEnd(std::size_t total, const std::vector<ApiError>& errors) {
  std::string out = fmt::format(R"(,"total":{},"limit":0,"offset":0,"errors":)", total);
  if (errors.empty()) return out + "null}";
  out += '[';
  for (const ApiError& error : errors) {
    if (&error != &errors.front()) out += ',';
    out += '{';
    if (error.code != 0) fmt::format_to(std::back_inserter(out), R"("code":{},)", error.code);
    out += R"("msg":)";
    AppendJsonString(out, error.message);
    if (!error.trace_id.empty()) {
      fmt::format_to(std::back_inserter(out), R"(,"traceID":"{}")", error.trace_id);
    }
    out += '}';
  }
  return out + "]}";
}

}  // namespace wirespan::gateway::query
