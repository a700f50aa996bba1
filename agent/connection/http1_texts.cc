#include "agent/connection/http1_texts.h"

#include <string>

#include "agent/protocol/http1/field.h"

namespace wirespan::connection {

using protocol::Exchange;

namespace {

// Of a response's content type, which is short as a rule.
constexpr std::size_t kRoomForResponse = 48;

void FillTracestate(const http1::RequestHead& head, Exchange& exchange) {
  if (head.tracestate[1].empty()) {
    return AssignLine(exchange, exchange.tracestate, head.tracestate[0]);
  }
  std::string joined;
  for (const std::string_view part : head.tracestate) {
    if (part.empty()) continue;
    if (!joined.empty()) joined += ',';
    joined += part.find('\n') == std::string_view::npos ? std::string(part) : http1::Unfold(part);
  }
  exchange.tracestate = joined;
}

}  // namespace

void AssignLine(Exchange& exchange, Text& out, std::string_view value) {
  if (value.empty()) return;
  if (value.find('\n') == std::string_view::npos) {
    out = exchange.texts.Add(value);
  } else {
    out = exchange.texts.Add(http1::Unfold(value));
  }
}

void FillRequest(const http1::RequestHead& head, Exchange& exchange) {
  exchange.texts.Reserve(
      head.method.size() + head.target.size() + head.host.size() + head.user_agent.size() +
      head.traceparent.size() + head.tracestate[0].size() + head.forwarded.size() +
      head.x_forwarded_for.size() + head.x_forwarded_host.size() + head.x_forwarded_proto.size() +
      head.content_type.size() + head.upgrade.size() + kRoomForResponse);
  exchange.method = exchange.texts.Add(head.method);
  exchange.target = exchange.texts.Add(head.target);
  exchange.version_minor = head.minor;
  AssignLine(exchange, exchange.host, head.host);
  AssignLine(exchange, exchange.user_agent, head.user_agent);
  AssignLine(exchange, exchange.traceparent, head.traceparent);
  FillTracestate(head, exchange);
  AssignLine(exchange, exchange.forwarded, head.forwarded);
  AssignLine(exchange, exchange.x_forwarded_for, head.x_forwarded_for);
  AssignLine(exchange, exchange.x_forwarded_host, head.x_forwarded_host);
  AssignLine(exchange, exchange.x_forwarded_proto, head.x_forwarded_proto);
  AssignLine(exchange, exchange.request_content_type, head.content_type);
  AssignLine(exchange, exchange.upgrade, head.upgrade);
}

}  // namespace wirespan::connection
