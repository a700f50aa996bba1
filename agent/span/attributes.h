#pragma once

#include <string>
#include <vector>

#include "agent/connection/observed_exchange.h"
#include "agent/span/facts.h"
#include "agent/span/identity.h"
#include "agent/span/redact.h"
#include "agent/span/span.h"

namespace wirespan::span {

// How a span's parent was found (`wirespan.parent.method`).
enum class ParentMethod : std::uint8_t { kNone, kHeader, kWire, kThread };
std::string_view ParentMethodName(ParentMethod method);

struct AttributeOptions {
  QueryRedaction query = QueryRedaction::kKnown;
  ClientAddress client_address = ClientAddress::kFull;
};

// "GET /users/{id}", "GET", "HTTP": never the path itself.
std::string SpanName(const HttpFacts& facts);

// Every attribute of a span, by the conventions and docs/spans.md. Text is valid UTF-8 whatever
// came.
std::vector<Attribute> SpanAttributes(const connection::ConnectionInfo& connection,
                                      const protocol::Exchange& exchange, const HttpFacts& facts,
                                      const Identity& identity, ParentMethod parent,
                                      const AttributeOptions& options);

}  // namespace wirespan::span
