#pragma once

#include <string>

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

// Text that is put together for one span, and pointed to by it. Kept from span to span for its
// memory.
struct SpanScratch {
  std::string name{};
  std::string url{};
  std::string client{};  // the peer's address, unless it fits into `peer`
  std::string limited_client{};
  std::string limited_peer{};
  std::string incomplete{};
  char peer[16]{};
  char wire_id[32]{};
};

// "GET /users/{id}", "GET", "HTTP": never the path itself. May point into `facts` and `scratch`.
Text SpanName(const ExchangeFacts& facts, SpanScratch& scratch);

// Writes every attribute of a span, by the conventions and docs/spans.md. Text is valid UTF-8
// whatever came; it points into the arguments.
void SpanAttributes(const connection::ConnectionInfo& connection,
                    const protocol::Exchange& exchange, const ExchangeFacts& facts,
                    const Identity& identity, ParentMethod parent, const AttributeOptions& options,
                    SpanScratch& scratch, AttributeList& list);

}  // namespace wirespan::span
