#include "gateway/sink/store/query.h"

#include <algorithm>
#include <optional>

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
  }
  TagTerms tag_terms;
  for (const auto& tag : query_.tags) {
    if (!IsNoError(tag)) tag_terms_.push_back(tag_terms.Of(tag.first, tag.second));
  }
  // Tags first: they are mostly in fewer pages than a service, and often in none.
  terms_ = tag_terms_;
  if (!query_.service.empty()) {
    terms_.push_back(query_.operation.empty() ? service_ : operation_);
  }
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

namespace {

// `wanted(n)`: whether the n-th span is to be looked at.
template <class Wanted>
void ForEachWanted(std::string_view request, Wanted&& wanted, const SpanVisitor& visit) {
  std::uint32_t number = 0;
  Reader top(request);
  for (Field resource; top.Next(resource);) {
    if (!resource.Is(1, WireType::kBytes)) continue;
    std::optional<std::string> service;
    Reader scopes(resource.bytes);
    for (Field scope; scopes.Next(scope);) {
      if (!scope.Is(2, WireType::kBytes)) continue;
      Reader spans(scope.bytes);
      for (Field span; spans.Next(span);) {
        if (!span.Is(2, WireType::kBytes) || !wanted(number++)) continue;
        if (!service) service = ServiceOf(resource.bytes);
        // The whole messages stand in for their heads: the fields in question are the same.
        if (!visit({resource.bytes, scope.bytes, *service}, ReadSpan(span.bytes))) return;
      }
    }
  }
}

}  // namespace

void ForEachSpanIn(std::string_view request, const SpanVisitor& visit) {
  ForEachWanted(request, [](std::uint32_t) { return true; }, visit);
}

void ForEachOfRows(std::string_view page, std::span<const std::uint32_t> rows,
                   const SpanVisitor& visit) {
  auto next = rows.begin();
  ForEachWanted(
      page,
      [&](std::uint32_t number) {
        if (next == rows.end() || *next != number) return false;
        ++next;
        return true;
      },
      visit);
}

}  // namespace wirespan::gateway::store
