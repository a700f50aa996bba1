#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/otlp/signal.h"
#include "common/otlp/wire.h"

// Small OTLP requests, made by hand. Used by the gateway's unit and integration tests.
namespace wirespan::gateway::testing {

inline std::string Nest(std::uint32_t number, std::string_view message) {
  std::string out;
  otlp::AppendBytesField(out, number, message);
  return out;
}

inline std::string Attribute(std::string_view key, std::string_view any_value) {
  return Nest(1, key) + Nest(2, any_value);
}

// Resource {service.name} -> one scope -> items.
inline std::string Wrap(std::string_view items, std::string_view service = "shop") {
  const std::string resource = Nest(1, Attribute("service.name", Nest(1, service)));
  return Nest(1, Nest(1, resource) + Nest(2, items));
}

inline std::string Span(std::string_view name, std::size_t trace_id_bytes = 16,
                        std::string_view more = {}) {
  std::string span = Nest(1, std::string(trace_id_bytes, '\x1a')) +
                     Nest(2, std::string(8, '\x2b')) + Nest(5, name);
  otlp::AppendVarintField(span, 6, 2);
  otlp::AppendFixed64Field(span, 7, 1700000000000000000);
  otlp::AppendFixed64Field(span, 8, 1700000000000000123);
  return span + std::string(more);
}

inline std::string Spans(std::size_t count, std::string_view name = "GET /") {
  std::string items;
  for (std::size_t i = 0; i < count; ++i) items += Nest(2, Span(name));
  return Wrap(items);
}

inline std::string Points(std::size_t count) {
  std::string points;
  for (std::size_t i = 0; i < count; ++i) {
    std::string point;
    otlp::AppendFixed64Field(point, 3, 1700000000000000000);
    otlp::AppendFixed64Field(point, 6, i);
    points += Nest(1, point);
  }
  return Wrap(Nest(2, Nest(1, "requests") + Nest(5, points)));
}

inline std::string Records(std::size_t count) {
  std::string records;
  for (std::size_t i = 0; i < count; ++i) {
    std::string record;
    otlp::AppendFixed64Field(record, 1, 1700000000000000000);
    record += Nest(5, Nest(1, "a line"));
    records += Nest(2, record);
  }
  return Wrap(records);
}

// Samples of one profile, and the dictionary that its indices mean.
inline std::string Profiles(std::size_t samples) {
  std::string profile;
  for (std::size_t i = 0; i < samples; ++i) profile += Nest(2, Nest(2, "\x01"));
  return Wrap(Nest(2, profile)) + Nest(2, Nest(5, "main"));
}

inline std::string RequestOf(otlp::Signal signal, std::size_t items) {
  switch (signal) {
    case otlp::Signal::kTraces:
      return Spans(items);
    case otlp::Signal::kMetrics:
      return Points(items);
    case otlp::Signal::kLogs:
      return Records(items);
    case otlp::Signal::kProfiles:
      return Profiles(items);
  }
  return {};
}

inline std::string SpanJson(std::string_view extra_span_members = {},
                            std::string_view trace_id = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a") {
  return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":")" + std::string(trace_id) +
         R"(","spanId":"2b2b2b2b2b2b2b2b","name":"GET /")" + std::string(extra_span_members) +
         "}]}]}]}";
}

}  // namespace wirespan::gateway::testing
