#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sink/store/span_facts.h"
#include "gateway/sink/store/term.h"

namespace wirespan::gateway::store {

// What stands around spans in a request: all of a ResourceSpans but its scopes, all of a ScopeSpans
// but its spans. Unknown fields stay.
struct Group {
  std::string resource_head{};  // fields of ResourceSpans
  std::string scope_head{};     // fields of ScopeSpans
  std::string service{};        // service.name
  std::string instance{};       // service.instance.id
  bool of_agent = false;        // its scope is an agent's, whose metrics count the same exchanges
  std::uint64_t service_hash = 0;
  std::vector<Term> terms{};  // of resource and scope

  std::size_t bytes() const {
    return sizeof(Group) + resource_head.size() + scope_head.size() + service.size() +
           instance.size() + terms.size() * sizeof(Term);
  }
};

// One span as the index sees it.
struct SpanRow {
  SpanKey key{};
  std::uint64_t parent = 0;  // span id; 0: none
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  std::string_view span{};  // the Span message
  std::string_view name{};
  std::uint32_t group = 0;
  std::uint32_t terms_at = 0;
  std::uint32_t terms = 0;
  bool error = false;  // its status
  Term service_term = 0;
  Term operation_term = 0;
};

// SERVER and CONSUMER.
inline bool Serves(std::uint64_t kind) { return kind == 2 || kind == 5; }

// A request taken apart: `text` holds the bytes that the rows point into.
struct SpanRows {
  std::shared_ptr<const std::string> text{};
  std::vector<Group> groups{};
  std::vector<SpanRow> rows{};
  std::vector<Term> terms{};       // of all rows: each has its stretch
  std::vector<SpanFacts> facts{};  // of each row
};

// Of a well-formed ExportTraceServiceRequest. Pure.
SpanRows ReadRows(std::string request);

// One span's fields alone: no group, no terms.
SpanRow ReadSpan(std::string_view span);
// service.name of a ResourceSpans' fields, or "unknown_service".
std::string ServiceOf(std::string_view resource_head);

// The message in the last field `number` of these fields; empty if there is none.
std::string_view FindMessage(std::string_view fields, std::uint32_t number);

}  // namespace wirespan::gateway::store
