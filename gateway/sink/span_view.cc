#include "gateway/sink/span_view.h"

#include "common/otlp/wire.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

AttributeView Attribute(std::string_view pair) {
  AttributeView attribute;
  Reader reader(pair);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) attribute.key = field.bytes;
    if (field.Is(2, WireType::kBytes)) attribute.value = field.bytes;
  }
  return attribute;
}

EventView Event(std::string_view message) {
  EventView event;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kFixed64)) event.time_ns = field.value;
    if (field.Is(2, WireType::kBytes)) event.name = field.bytes;
    if (field.Is(3, WireType::kBytes)) event.attributes.push_back(Attribute(field.bytes));
  }
  return event;
}

LinkView Link(std::string_view message) {
  LinkView link;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) link.trace_id = field.bytes;
    if (field.Is(2, WireType::kBytes)) link.span_id = field.bytes;
  }
  return link;
}

SpanView Span(std::string_view message) {
  SpanView span;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    switch (field.number) {
      case 1:
        span.trace_id = field.bytes;
        break;
      case 2:
        span.span_id = field.bytes;
        break;
      case 3:
        span.trace_state = field.bytes;
        break;
      case 4:
        span.parent_id = field.bytes;
        break;
      case 5:
        span.name = field.bytes;
        break;
      case 6:
        span.kind = field.value;
        break;
      case 7:
        span.start_ns = field.value;
        break;
      case 8:
        span.end_ns = field.value;
        break;
      case 9:
        span.attributes.push_back(Attribute(field.bytes));
        break;
      case 11:
        span.events.push_back(Event(field.bytes));
        break;
      case 13:
        span.links.push_back(Link(field.bytes));
        break;
      case 15: {
        Reader status(field.bytes);
        for (Field part; status.Next(part);) {
          if (part.Is(2, WireType::kBytes)) span.status_message = part.bytes;
          if (part.Is(3, WireType::kVarint)) span.status = part.value;
        }
        break;
      }
      default:
        break;
    }
  }
  return span;
}

ScopeView Scope(std::string_view message) {
  ScopeView scope;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) scope.name = field.bytes;
    if (field.Is(2, WireType::kBytes)) scope.version = field.bytes;
  }
  return scope;
}

// The field may stand behind what it belongs to, so it is looked for first.
std::string_view Find(std::string_view message, std::uint32_t number) {
  std::string_view found;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(number, WireType::kBytes)) found = field.bytes;
  }
  return found;
}

}  // namespace

bool SpanCursor::NextScope() {
  for (;;) {
    for (Field part; scopes_.Next(part);) {
      if (!part.Is(2, WireType::kBytes)) continue;
      scope_ = Scope(Find(part.bytes, 1));
      spans_ = Reader(part.bytes);
      return true;
    }
    Field group;
    do {
      if (!groups_.Next(group)) return false;
    } while (!group.Is(1, WireType::kBytes));
    ++group_;
    resource_.attributes.clear();
    Reader attributes(Find(group.bytes, 1));
    for (Field field; attributes.Next(field);) {
      if (field.Is(1, WireType::kBytes)) resource_.attributes.push_back(Attribute(field.bytes));
    }
    scopes_ = Reader(group.bytes);
  }
}

bool SpanCursor::Next() {
  do {
    for (Field item; spans_.Next(item);) {
      if (!item.Is(2, WireType::kBytes)) continue;
      span_ = Span(item.bytes);
      return true;
    }
  } while (NextScope());
  return false;
}

void ForEachSpan(
    std::string_view request,
    const std::function<void(const ResourceView&, const ScopeView&, const SpanView&)>& visit) {
  SpanCursor spans(request);
  while (spans.Next()) visit(spans.resource(), spans.scope(), spans.span());
}

std::string_view ServiceName(const ResourceView& resource) {
  for (const AttributeView& attribute : resource.attributes) {
    if (attribute.key != "service.name") continue;
    Reader reader(attribute.value);
    for (Field field; reader.Next(field);) {
      if (field.Is(1, WireType::kBytes) && !field.bytes.empty()) return field.bytes;
    }
  }
  return "unknown_service";
}

}  // namespace wirespan::gateway
