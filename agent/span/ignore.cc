#include "agent/span/ignore.h"

#include "agent/span/url.h"
#include "common/base/strings.h"

namespace wirespan::span {
namespace {

constexpr std::string_view kOtlpPaths[] = {"/v1/traces", "/v1/metrics", "/v1/logs",
                                           "/v1development/profiles"};

// The media type without parameters.
bool HasMediaType(std::string_view content_type, std::string_view wanted) {
  return EqualsIgnoreCase(TrimAscii(content_type.substr(0, content_type.find(';'))), wanted);
}

// What collectors and SDKs call themselves ("OTel-OTLP-Exporter-Python/1.30", "OpenTelemetry
// Collector/...").
bool IsOtelUserAgent(std::string_view user_agent) {
  return StartsWithIgnoreCase(user_agent, "otel") ||
         StartsWithIgnoreCase(user_agent, "opentelemetry");
}

bool IsOtlp(std::string_view path, const protocol::Exchange& exchange) {
  const std::string_view type = exchange.request_content_type;
  const bool protobuf = HasMediaType(type, "application/x-protobuf");
  if (!protobuf && !HasMediaType(type, "application/json")) return false;
  for (std::string_view known : kOtlpPaths) {
    if (path == known) return true;
    // Behind a prefix, JSON alone proves nothing: an application may well have /api/v1/logs of its
    // own.
    if (path.ends_with(known) && (protobuf || IsOtelUserAgent(exchange.user_agent))) return true;
  }
  return false;
}

// OTLP (also as Arrow) and Jaeger over gRPC. A path that HPACK's holes hide leaves the name that
// SDKs and collectors give themselves.
bool IsTelemetryCall(const protocol::Exchange& exchange) {
  const std::string_view path = exchange.target;
  if (path.empty()) return IsOtelUserAgent(exchange.user_agent);
  return path.starts_with("/opentelemetry.proto.") ||
         path == "/jaeger.api_v2.CollectorService/PostSpans";
}

bool IsJaegerType(std::string_view type) {
  return HasMediaType(type, "application/x-thrift") ||
         HasMediaType(type, "application/vnd.apache.thrift.binary");
}

}  // namespace

Result<IgnoreRules> IgnoreRules::Compile(const std::vector<IgnoreRule>& rules) {
  IgnoreRules compiled;
  for (const IgnoreRule& rule : rules) {
    if (rule.path.empty() && rule.method.empty() && rule.user_agent.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "exchanges.ignore: an entry needs a path, a method or a user_agent");
    }
    Rule out;
    out.method = rule.method;
    if (!rule.path.empty()) {
      auto glob = Glob::Compile(rule.path);
      if (!glob) return Wrap("exchanges.ignore: path '" + rule.path + "'", std::move(glob.error()));
      out.path = std::move(*glob);
    }
    if (!rule.user_agent.empty()) {
      auto glob = Glob::Compile(rule.user_agent);
      if (!glob)
        return Wrap("exchanges.ignore: user_agent '" + rule.user_agent + "'",
                    std::move(glob.error()));
      out.user_agent = std::move(*glob);
    }
    compiled.rules_.push_back(std::move(out));
  }
  return compiled;
}

bool IgnoreRules::Matches(const protocol::Exchange& exchange) const {
  if (rules_.empty()) return false;
  const std::string_view path = ParseTarget(exchange.method, exchange.target).path;
  for (const Rule& rule : rules_) {
    if (!rule.method.empty() && rule.method != exchange.method) continue;
    // A path that HPACK's holes hide may be any: only rules without one can tell.
    if (rule.path && (exchange.target.empty() || !rule.path->Matches(path))) continue;
    if (rule.user_agent && !rule.user_agent->Matches(exchange.user_agent)) continue;
    return true;
  }
  return false;
}

bool IsTelemetryExport(const protocol::Exchange& exchange) {
  const std::string_view type = exchange.request_content_type;
  if (exchange.protocol == protocol::Protocol::kGrpc ||
      StartsWithIgnoreCase(type, "application/grpc")) {
    return IsTelemetryCall(exchange);
  }
  if (exchange.method != "POST" || type.empty()) return false;
  const std::string_view path = ParseTarget(exchange.method, exchange.target).path;
  if (path.ends_with("/api/v2/spans") || path.ends_with("/api/v1/spans")) {
    return HasMediaType(type, "application/json") || HasMediaType(type, "application/x-protobuf") ||
           IsJaegerType(type);
  }
  if (path.ends_with("/api/traces")) return IsJaegerType(type);
  return IsOtlp(path, exchange);
}

}  // namespace wirespan::span
