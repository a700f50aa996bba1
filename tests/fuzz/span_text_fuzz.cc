// Every parser of header text in agent/span: the first byte picks the fields, the rest is their
// text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/span/attributes.h"
#include "agent/span/ignore.h"
#include "agent/span/traceparent.h"
#include "common/base/strings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan;
  if (size == 0) return 0;
  const std::uint8_t pick = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto parent = span::ParseTraceparent(text);
  if (parent && span::Hex(parent->trace_id) == std::string(32, '0')) std::abort();
  if (span::BoundedTracestate(text).size() > 512) std::abort();

  protocol::Exchange exchange;
  exchange.side = (pick & 1) != 0 ? protocol::Side::kServer : protocol::Side::kClient;
  exchange.method = (pick & 2) != 0 ? "CONNECT" : "POST";
  exchange.target = text;
  if ((pick & 4) != 0) exchange.host = text;
  if ((pick & 8) != 0) exchange.forwarded = text;
  if ((pick & 16) != 0)
    exchange.x_forwarded_for = exchange.x_forwarded_host = exchange.x_forwarded_proto = text;
  if ((pick & 32) != 0) exchange.request_content_type = text;
  if ((pick & 128) != 0) {
    exchange.protocol = protocol::Protocol::kGrpc;
    exchange.version_major = 2;
    exchange.scheme = text;
    exchange.rpc.emplace();
    exchange.rpc->message = text;
    exchange.rpc->status = static_cast<signed char>(pick);
    exchange.reset = static_cast<protocol::Reset>(pick % 4);
    exchange.outcome = protocol::Outcome::kNoResponse;
  }
  connection::ConnectionInfo connection;
  span::ExchangeFacts facts;
  span::ComputeFacts(connection, exchange, span::KnownMethods(), facts);
  span::IsTelemetryExport(exchange);
  span::AttributeOptions options;
  options.query = static_cast<span::QueryRedaction>((pick >> 6) % 3);
  options.client_address = static_cast<span::ClientAddress>((pick >> 6) % 3);
  span::SpanScratch scratch;
  span::AttributeList list;
  span::SpanAttributes(connection, exchange, facts, {}, span::ParentMethod::kNone, options, scratch,
                       list);
  for (const auto& attribute : list) {
    const auto value = attribute.value.text();
    if (value && !IsUtf8(*value)) std::abort();
  }
  return 0;
}
