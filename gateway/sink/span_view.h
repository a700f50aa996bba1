#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "common/otlp/wire.h"

// Spans with names for their fields, for backends with a model of their own. Views point into the
// request; nothing is copied.
namespace wirespan::gateway {

struct AttributeView {
  std::string_view key{};
  std::string_view value{};  // AnyValue
};
struct EventView {
  std::uint64_t time_ns = 0;
  std::string_view name{};
  std::vector<AttributeView> attributes{};
};
struct LinkView {
  std::string_view trace_id{};
  std::string_view span_id{};
};
struct ResourceView {
  std::vector<AttributeView> attributes{};
};
struct ScopeView {
  std::string_view name{};
  std::string_view version{};
};
struct SpanView {
  std::string_view trace_id{};
  std::string_view span_id{};
  std::string_view parent_id{};
  std::string_view trace_state{};
  std::string_view name{};
  std::uint64_t kind = 0;  // OTLP's numbers
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::vector<AttributeView> attributes{};
  std::vector<EventView> events{};
  std::vector<LinkView> links{};
  std::uint64_t status = 0;  // 1 ok, 2 error
  std::string_view status_message{};
};

// Goes through the spans of a well-formed ExportTraceServiceRequest, which outlives it, one by one.
class SpanCursor {
 public:
  explicit SpanCursor(std::string_view request) : groups_(request) {}

  bool Next();  // to the next span, the first one at first; false: there is none
  // Of the span where it stands; valid until Next().
  const ResourceView& resource() const { return resource_; }
  const ScopeView& scope() const { return scope_; }
  const SpanView& span() const { return span_; }
  std::uint64_t group() const { return group_; }  // which ResourceSpans, from 1

 private:
  bool NextScope();

  otlp::Reader groups_;
  otlp::Reader scopes_{{}};
  otlp::Reader spans_{{}};
  std::uint64_t group_ = 0;
  ResourceView resource_{};
  ScopeView scope_{};
  SpanView span_{};
};

// Visits every span of a well-formed ExportTraceServiceRequest.
void ForEachSpan(std::string_view request,
                 const std::function<void(const ResourceView& resource, const ScopeView& scope,
                                          const SpanView& span)>& visit);

// service.name, or "unknown_service".
std::string_view ServiceName(const ResourceView& resource);

}  // namespace wirespan::gateway
