#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/otlp/wire.h"
#include "gateway/sink/store/trace_id.h"

// Spans by hand, as requests.
namespace wirespan::gateway::store::testing {

inline constexpr std::uint64_t kStartNs = 1'700'000'000'000'000'000;

struct TestSpan {
  std::uint64_t trace = 1;
  std::uint64_t id = 1;
  std::uint64_t parent = 0;
  std::string service = "shop";
  std::string name = "GET /cart";
  std::uint64_t kind = 2;
  std::uint64_t start_ns = kStartNs;
  std::uint64_t duration_ns = 1'000'000;
  bool error = false;
  std::vector<std::pair<std::string, std::string>> texts{};
  std::vector<std::pair<std::string, std::int64_t>> numbers{};
};

inline std::string IdBytes(std::uint64_t id) { return ToBytes({0, id}).substr(8); }

inline std::string TextAttribute(std::string_view key, std::string_view text) {
  otlp::Writer value;
  value.Bytes(1, text);
  otlp::Writer pair;
  pair.Bytes(1, key);
  pair.Bytes(2, value.view());
  return pair.Take();
}

inline std::string SpanBytes(const TestSpan& span) {
  otlp::Writer out;
  out.Bytes(1, ToBytes({7, span.trace}));
  out.Bytes(2, IdBytes(span.id));
  if (span.parent != 0) out.Bytes(4, IdBytes(span.parent));
  out.Bytes(5, span.name);
  out.Varint(6, span.kind);
  out.Fixed64(7, span.start_ns);
  out.Fixed64(8, span.start_ns + span.duration_ns);
  for (const auto& [key, text] : span.texts) out.Bytes(9, TextAttribute(key, text));
  for (const auto& [key, number] : span.numbers) {
    otlp::Writer value;
    value.Varint(3, static_cast<std::uint64_t>(number));
    otlp::Writer pair;
    pair.Bytes(1, key);
    pair.Bytes(2, value.view());
    out.Bytes(9, pair.view());
  }
  if (span.error) {
    otlp::Writer status;
    status.Varint(3, 2);
    out.Bytes(15, status.view());
  }
  out.Bytes(1000, "of a later version");  // an unknown field, to be kept
  return out.Take();
}

// A ResourceSpans for each service; `instance`: as an agent sends them.
inline std::string Request(const std::vector<TestSpan>& spans, std::string_view instance = {}) {
  std::map<std::string, otlp::Writer> scopes;
  for (const TestSpan& span : spans) scopes[span.service].Bytes(2, SpanBytes(span));
  otlp::Writer out;
  for (const auto& [service, scope] : scopes) {
    otlp::Writer resource;
    resource.Bytes(1, TextAttribute("service.name", service));
    resource.Bytes(1, TextAttribute("host.name", "host-of-" + service));
    otlp::Writer group;
    otlp::Writer scope_spans;
    if (!instance.empty()) {
      resource.Bytes(1, TextAttribute("service.instance.id", instance));
      otlp::Writer agent;
      agent.Bytes(1, "wirespan-agent");
      scope_spans.Bytes(1, agent.view());
    }
    scope_spans.Raw(scope.view());
    group.Bytes(1, resource.view());
    group.Bytes(2, scope_spans.view());
    out.Bytes(1, group.view());
  }
  return out.Take();
}

inline TraceId IdOf(const TestSpan& span) { return {7, span.trace}; }

}  // namespace wirespan::gateway::store::testing
