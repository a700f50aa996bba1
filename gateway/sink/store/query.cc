#include "gateway/sink/store/query.h"

#include <algorithm>

#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::store {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

// No span carries it: it is asked for as the absence of a status.
bool IsNoError(const std::pair<std::string, std::string>& tag) {
  return tag.first == "error" && tag.second == "false";
}

bool HasError(std::string_view span) {
  bool error = false;
  ForEachSpanTag(span, [&](std::string_view key, const AnyValue& value) {
    std::string scratch;
    if (key == "error" && TextOf(value, scratch) == "true") error = true;
  });
  return error;
}

}  // namespace

Matcher::Matcher(const TraceQuery& query) : query_(query) {
  if (!query_.service.empty()) {
    service_ = ServiceTerm(query_.service);
    operation_ = OperationTerm(query_.service, query_.operation);
    terms_.push_back(query_.operation.empty() ? service_ : operation_);
  }
  TagTerms tag_terms;
  for (const auto& tag : query_.tags) {
    if (!IsNoError(tag)) tag_terms_.push_back(tag_terms.Of(tag.first, tag.second));
  }
  terms_.insert(terms_.end(), tag_terms_.begin(), tag_terms_.end());
}

bool Matcher::MayMatch(const ColumnRow& row) const {
  if (row.start_ns < query_.start_min_ns || row.start_ns > query_.start_max_ns) return false;
  if (row.duration_ns < query_.duration_min_ns || row.duration_ns > query_.duration_max_ns) {
    return false;
  }
  if (query_.service.empty()) return true;
  return row.service == service_ && (query_.operation.empty() || row.operation == operation_);
}

bool Matcher::Matches(const SpanRow& row, std::string_view service, std::string_view resource_head,
                      std::string_view scope_head) const {
  if (row.start_ns < query_.start_min_ns || row.start_ns > query_.start_max_ns) return false;
  if (row.duration_ns < query_.duration_min_ns || row.duration_ns > query_.duration_max_ns) {
    return false;
  }
  if (!query_.service.empty() && service != query_.service) return false;
  if (!query_.operation.empty() && row.name != query_.operation) return false;
  if (query_.tags.empty()) return true;
  std::vector<bool> found(query_.tags.size(), false);
  std::string scratch;
  const TagVisitor look = [&](std::string_view key, const AnyValue& value) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto& [wanted, text] = query_.tags[i];
      if (!found[i] && key == wanted) found[i] = TextOf(value, scratch) == text;
    }
  };
  ForEachSpanTag(row.span, look);
  ForEachGroupTag(FindMessage(resource_head, 1), FindMessage(scope_head, 1), look);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i] && IsNoError(query_.tags[i])) found[i] = !HasError(row.span);
  }
  return std::all_of(found.begin(), found.end(), [](bool one) { return one; });
}

void ForEachSpanIn(std::string_view request,
                   const std::function<bool(const SpanPlace& place, const SpanRow& row)>& visit) {
  Reader top(request);
  for (Field resource; top.Next(resource);) {
    if (!resource.Is(1, WireType::kBytes)) continue;
    // The whole message stands in for its head: the fields in question are the same.
    const std::string service = ServiceOf(resource.bytes);
    Reader scopes(resource.bytes);
    for (Field scope; scopes.Next(scope);) {
      if (!scope.Is(2, WireType::kBytes)) continue;
      const SpanPlace place{resource.bytes, scope.bytes, service};
      Reader spans(scope.bytes);
      for (Field span; spans.Next(span);) {
        if (span.Is(2, WireType::kBytes) && !visit(place, ReadSpan(span.bytes))) return;
      }
    }
  }
}

}  // namespace wirespan::gateway::store
