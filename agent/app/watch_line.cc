#include "agent/app/watch_line.h"

#include <nlohmann/json.hpp>
#include <span>

#include "agent/app/whole_json.h"
#include "agent/protocol/grpc/text.h"
#include "agent/span/attribute_names.h"
#include "common/base/strings.h"

namespace wirespan::app {
namespace {

namespace names = span::names;

std::string Joined(const std::string& address, std::uint16_t port) {
  if (address.empty()) return "";
  if (port == 0) return address;
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

// Collects what the columns need from a span's attributes.
struct Collected {
  std::string path, query, full, server_address, peer_address;
  std::uint16_t server_port = 0, peer_port = 0;
};

void Take(const span::Attribute& attribute, WatchLine& line, Collected& found) {
  const auto text = [&]() -> std::string {
    return std::string(attribute.value.text().value_or(""));
  };
  const auto number = [&]() -> std::int64_t { return attribute.value.number().value_or(0); };
  const std::string_view key = attribute.key;
  if (key == "http.request.method")
    line.method = text();
  else if (key == "http.request.method_original")
    line.method = text();
  else if (key == "url.path")
    found.path = text();
  else if (key == "url.query")
    found.query = text();
  else if (key == "url.full")
    found.full = text();
  else if (key == "http.response.status_code")
    line.status = static_cast<int>(number());
  else if (key == "error.type")
    line.error = text();
  else if (key == names::kRpcSystemName)
    line.rpc = true;
  else if (key == names::kRpcMethod || key == names::kRpcMethodOriginal)
    line.rpc_method = text();
  else if (key == names::kRpcResponseStatusCode)
    line.rpc_status = grpc::StatusByName(text());
  else if (key == names::kWirespanRpcRequestMessages)
    line.request_messages = number();
  else if (key == names::kWirespanRpcResponseMessages)
    line.response_messages = number();
  else if (key == "http.request.body.size" || key == names::kWirespanRpcRequestSize)
    line.request_bytes = number();
  else if (key == "http.response.body.size" || key == names::kWirespanRpcResponseSize)
    line.response_bytes = number();
  else if (key == "server.address")
    found.server_address = text();
  else if (key == "server.port")
    found.server_port = static_cast<std::uint16_t>(number());
  else if (key == "network.peer.address")
    found.peer_address = text();
  else if (key == "network.peer.port")
    found.peer_port = static_cast<std::uint16_t>(number());
  else if (key == "wirespan.parent.method")
    line.parent_method = text();
  else if (key == "wirespan.incomplete")
    line.incomplete = text();
  else if (key == "wirespan.inferred")
    line.inferred = text();
}

// Path and query of a full URL; the whole text where it is not one.
std::string PathOf(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto slash = url.find('/', scheme + 3);
  return slash == std::string::npos ? "/" : url.substr(slash);
}

std::string HexOf(std::span<const std::uint8_t> id) {
  return ToHex({reinterpret_cast<const char*>(id.data()), id.size()});
}

bool IsZero(const span::SpanId& id) { return id == span::SpanId{}; }

}  // namespace

WatchLine ToWatchLine(const span::Span& span) {
  WatchLine line;
  line.start_ns = span.start_ns;
  line.duration_ns = span.end_ns - span.start_ns;
  line.server = span.kind == span::Kind::kServer;
  line.trace_id = HexOf(span.trace_id);
  line.span_id = HexOf(span.span_id);
  if (!IsZero(span.parent_id)) line.parent_span_id = HexOf(span.parent_id);
  Collected found;
  for (const auto& attribute : span.attributes) Take(attribute, line, found);
  line.path = !found.full.empty() ? PathOf(found.full)
                                  : found.path + (found.query.empty() ? "" : "?" + found.query);
  if (line.rpc) {
    line.method = "gRPC";
    if (line.rpc_method == "_OTHER") line.rpc_method.clear();
    if (!line.rpc_method.empty()) {
      line.path = (line.rpc_method.front() == '/' ? "" : "/") + line.rpc_method;
    }
  }
  line.host = Joined(found.server_address, found.server_port);
  line.peer = Joined(found.peer_address, found.peer_port);
  line.server_port = found.server_port;
  line.peer_port = found.peer_port;
  if (span.resource) {
    line.pid = span.resource->pid;
    line.service = span.resource->service_name;
    for (const auto& [key, value] : span.resource->attributes) {
      if (key != "process.executable.name") continue;
      if (const auto* name = std::get_if<std::string>(&value)) line.process = *name;
    }
  }
  return line;
}

std::string ToJson(const WatchLine& line) {
  nlohmann::ordered_json json;
  json["start_unix_ns"] = line.start_ns;
  json["duration_ns"] = line.duration_ns;
  json["side"] = line.server ? "server" : "client";
  json["pid"] = line.pid;
  json["service"] = line.service;
  json["process"] = line.process;
  json["method"] = line.method;
  json["path"] = line.path;
  json["host"] = line.host;
  json["peer"] = line.peer;
  json["server_port"] = line.server_port;
  json["peer_port"] = line.peer_port;
  json["status"] = line.status;
  if (line.rpc) {
    json["rpc"] = true;
    json["rpc_method"] = line.rpc_method;
    if (line.rpc_status) {
      json["rpc_status"] = *line.rpc_status;
      json["rpc_status_name"] = grpc::StatusName(*line.rpc_status);
    }
  }
  if (line.request_messages) json["request_messages"] = *line.request_messages;
  if (line.response_messages) json["response_messages"] = *line.response_messages;
  if (!line.error.empty()) json["error"] = line.error;
  if (line.request_bytes) json["request_bytes"] = *line.request_bytes;
  if (line.response_bytes) json["response_bytes"] = *line.response_bytes;
  json["trace_id"] = line.trace_id;
  json["span_id"] = line.span_id;
  if (!line.parent_span_id.empty()) json["parent_span_id"] = line.parent_span_id;
  if (!line.parent_method.empty()) json["parent_method"] = line.parent_method;
  if (!line.incomplete.empty()) json["incomplete"] = line.incomplete;
  if (!line.inferred.empty()) json["inferred"] = line.inferred;
  // Paths are bytes from the wire: what is not UTF-8 is replaced, not refused.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<WatchLine> FromJson(std::string_view text) {
  const auto json = ParseWholeJson(text);
  if (!json.is_object()) return std::nullopt;
  try {
    WatchLine line;
    line.start_ns = json.value("start_unix_ns", std::uint64_t{0});
    line.duration_ns = json.value("duration_ns", std::uint64_t{0});
    line.server = json.value("side", "server") == "server";
    line.pid = json.value("pid", 0u);
    line.service = json.value("service", "");
    line.process = json.value("process", "");
    line.method = json.value("method", "");
    line.path = json.value("path", "");
    line.host = json.value("host", "");
    line.peer = json.value("peer", "");
    line.server_port = json.value("server_port", std::uint16_t{0});
    line.peer_port = json.value("peer_port", std::uint16_t{0});
    line.status = json.value("status", 0);
    line.error = json.value("error", "");
    line.rpc = json.value("rpc", false);
    line.rpc_method = json.value("rpc_method", "");
    if (json.contains("rpc_status")) line.rpc_status = json["rpc_status"].get<int>();
    const auto count = [&](const char* key, std::optional<std::int64_t>& out) {
      if (json.contains(key)) out = json[key].get<std::int64_t>();
    };
    count("request_messages", line.request_messages);
    count("response_messages", line.response_messages);
    count("request_bytes", line.request_bytes);
    count("response_bytes", line.response_bytes);
    line.trace_id = json.value("trace_id", "");
    line.span_id = json.value("span_id", "");
    line.parent_span_id = json.value("parent_span_id", "");
    line.parent_method = json.value("parent_method", "");
    line.incomplete = json.value("incomplete", "");
    line.inferred = json.value("inferred", "");
    return line;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace wirespan::app
