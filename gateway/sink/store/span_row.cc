#include "gateway/sink/store/span_row.h"

#include <utility>

#include "common/base/hash.h"
#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::store {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

constexpr std::uint64_t kServer = 2;
constexpr std::uint64_t kClient = 3;
constexpr std::uint32_t kScopes = 2;  // of ResourceSpans
constexpr std::uint32_t kSpans = 2;   // of ScopeSpans

std::string AllBut(std::string_view message, std::uint32_t number) {
  std::string rest;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.number != number) rest.append(field.encoded);
  }
  return rest;
}

// Of a Status.
bool IsError(std::string_view status) {
  std::uint64_t code = 0;
  Reader reader(status);
  for (Field field; reader.Next(field);) {
    if (field.Is(3, WireType::kVarint)) code = field.value;
  }
  return code == 2;
}

}  // namespace

std::string_view FindMessage(std::string_view fields, std::uint32_t number) {
  std::string_view found;
  Reader reader(fields);
  for (Field field; reader.Next(field);) {
    if (field.Is(number, WireType::kBytes)) found = field.bytes;
  }
  return found;
}

std::string ServiceOf(std::string_view resource_head) {
  std::string service = "unknown_service";
  ForEachAttribute(FindMessage(resource_head, 1), 1,
                   [&](std::string_view key, const AnyValue& value) {
                     if (key != "service.name" || value.kind != AnyValue::Kind::kString) return;
                     if (!value.bytes.empty()) service = value.bytes;
                   });
  return service;
}

SpanRow ReadSpan(std::string_view span) {
  SpanRow row{.span = span};
  std::uint64_t end_ns = 0;
  Reader reader(span);
  for (Field field; reader.Next(field);) {
    if (field.type == WireType::kBytes) {
      if (field.number == 1) row.key.trace = ToTraceId(field.bytes);
      if (field.number == 2) row.key.span = ReadBigEndian(field.bytes);
      if (field.number == 4) row.parent = ReadBigEndian(field.bytes);
      if (field.number == 5) row.name = field.bytes;
      if (field.number == 15) row.error = IsError(field.bytes);
    } else if (field.type == WireType::kFixed64) {
      if (field.number == 7) row.start_ns = field.value;
      if (field.number == 8) end_ns = field.value;
    } else if (field.Is(6, WireType::kVarint)) {
      row.key.kind = field.value;
    }
  }
  row.duration_ns = end_ns > row.start_ns ? end_ns - row.start_ns : 0;
  return row;
}

SpanRows ReadRows(std::string request) {
  SpanRows read;
  read.text = std::make_shared<const std::string>(std::move(request));
  TagTerms tag_terms;
  std::string scratch;
  std::vector<Term>* terms = nullptr;
  const TagVisitor add = [&](std::string_view key, const AnyValue& value) {
    terms->push_back(tag_terms.Of(key, TextOf(value, scratch)));
  };
  Reader top(*read.text);
  for (Field resource; top.Next(resource);) {
    if (!resource.Is(1, WireType::kBytes)) continue;
    const std::string head = AllBut(resource.bytes, kScopes);
    const std::string service = ServiceOf(head);
    const Term service_term = ServiceTerm(service);
    Reader scopes(resource.bytes);
    for (Field scope; scopes.Next(scope);) {
      if (!scope.Is(kScopes, WireType::kBytes)) continue;
      Group& group = read.groups.emplace_back();
      group.resource_head = head;
      group.scope_head = AllBut(scope.bytes, kSpans);
      group.service = service;
      group.service_hash = Hash64(service);
      group.instance = InstanceOf(head);
      group.of_agent = IsOfAgent(group.scope_head);
      terms = &group.terms;
      ForEachGroupTag(FindMessage(head, 1), FindMessage(group.scope_head, 1), add);
      terms = &read.terms;
      Reader spans(scope.bytes);
      for (Field item; spans.Next(item);) {
        if (!item.Is(kSpans, WireType::kBytes)) continue;
        SpanRow row = ReadSpan(item.bytes);
        row.group = static_cast<std::uint32_t>(read.groups.size() - 1);
        row.service_term = service_term;
        row.operation_term = OperationTerm(service, row.name);
        row.terms_at = static_cast<std::uint32_t>(read.terms.size());
        ForEachSpanTag(item.bytes, add);
        // Of a server they say which metric counts the same: an agent's alone does.
        const bool asked = row.key.kind == kClient || (row.key.kind == kServer && group.of_agent);
        read.facts.push_back(asked ? ReadSpanFacts(item.bytes, row.key.kind) : SpanFacts{});
        row.terms = static_cast<std::uint32_t>(read.terms.size()) - row.terms_at;
        read.rows.push_back(row);
      }
    }
  }
  return read;
}

}  // namespace wirespan::gateway::store
