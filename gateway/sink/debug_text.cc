#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <ctime>

#include "common/otlp/wire.h"
#include "gateway/sink/debug_sender.h"

// Field numbers are those of opentelemetry/proto/{common,resource,trace,metrics,logs}/v1.
namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

constexpr int kMaxDepth = 32;

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

// Text of outside origin goes to a terminal: control characters don't.
std::string Clean(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      clean.push_back(c);
    }
  }
  return clean;
}

std::string Time(std::uint64_t unix_ns) {
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm date{};
  ::gmtime_r(&seconds, &date);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09} +0000 UTC", date.tm_year + 1900,
                     date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
                     unix_ns % 1'000'000'000);
}

std::string Value(std::string_view any, int depth = 0) {
  if (depth > kMaxDepth) return "...";
  Reader reader(any);
  std::string text = "Empty()";
  for (Field field; reader.Next(field);) {
    switch (field.number) {
      case 1:
        text = fmt::format("Str({})", Clean(field.bytes));
        break;
      case 2:
        text = fmt::format("Bool({})", field.value != 0);
        break;
      case 3:
        text = fmt::format("Int({})", static_cast<std::int64_t>(field.value));
        break;
      case 4:
        text = fmt::format("Double({})", field.AsDouble());
        break;
      case 5:
      case 6: {
        text = field.number == 5 ? "Slice([" : "Map({";
        Reader list(field.bytes);
        bool first = true;
        for (Field item; list.Next(item);) {
          if (!item.Is(1, WireType::kBytes)) continue;
          if (!first) text += ",";
          first = false;
          if (field.number == 5) {
            text += Value(item.bytes, depth + 1);
            continue;
          }
          std::string_view key;
          std::string_view value;
          Reader pair(item.bytes);
          for (Field part; pair.Next(part);) {
            if (part.Is(1, WireType::kBytes)) key = part.bytes;
            if (part.Is(2, WireType::kBytes)) value = part.bytes;
          }
          text += fmt::format("\"{}\":{}", Clean(key), Value(value, depth + 1));
        }
        text += field.number == 5 ? "])" : "})";
        break;
      }
      case 7:
        text = fmt::format("Bytes({})", Hex(field.bytes));
        break;
      default:
        break;
    }
  }
  return text;
}

// "Str(x)" as "x", for one-line output.
std::string Bare(std::string text) {
  const std::size_t open = text.find('(');
  return text.substr(open + 1, text.size() - open - 2);
}

struct KeyValue {
  std::string key{};
  std::string value{};
};

KeyValue Attribute(std::string_view bytes) {
  KeyValue result{.value = "Empty()"};
  Reader reader(bytes);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) result.key = Clean(field.bytes);
    if (field.Is(2, WireType::kBytes)) result.value = Value(field.bytes);
  }
  return result;
}

std::string Attributes(std::string_view message, std::uint32_t number, std::string_view indent,
                       std::string_view title) {
  std::string text;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (!field.Is(number, WireType::kBytes)) continue;
    if (text.empty()) text = fmt::format("{}\n", title);
    const KeyValue pair = Attribute(field.bytes);
    text += fmt::format("{}     -> {}: {}\n", indent, pair.key, pair.value);
  }
  return text;
}

std::string OneLine(std::string_view message, std::uint32_t number) {
  std::string text;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (!field.Is(number, WireType::kBytes)) continue;
    KeyValue pair = Attribute(field.bytes);
    text += fmt::format(" {}={}", pair.key, Bare(std::move(pair.value)));
  }
  return text;
}

struct Shape {
  std::string_view word;      // of the log line
  std::string_view resource;  // "ResourceSpans"
  std::string_view scope;     // "ScopeSpans"
  std::string_view item;      // "Span"
};
constexpr std::array<Shape, kSignals.size()> kShapes = {
    {{"Traces", "ResourceSpans", "ScopeSpans", "Span"},
     {"Metrics", "ResourceMetrics", "ScopeMetrics", "Metric"},
     {"Logs", "ResourceLog", "ScopeLogs", "LogRecord"},
     {"Profiles", "ResourceProfiles", "ScopeProfiles", "Profile"}}};

std::string_view KindName(std::uint64_t kind) {
  constexpr std::array<std::string_view, 6> kNames = {"Unspecified", "Internal", "Server",
                                                      "Client",      "Producer", "Consumer"};
  return kind < kNames.size() ? kNames[kind] : "Unknown";
}

std::string SpanText(std::string_view span) {
  std::string_view trace_id, id, parent, name, state, status_message;
  std::uint64_t kind = 0, start = 0, end = 0, status = 0;
  std::string events, links;
  int event_count = 0, link_count = 0;
  Reader reader(span);
  for (Field field; reader.Next(field);) {
    switch (field.number) {
      case 1:
        trace_id = field.bytes;
        break;
      case 2:
        id = field.bytes;
        break;
      case 3:
        state = field.bytes;
        break;
      case 4:
        parent = field.bytes;
        break;
      case 5:
        name = field.bytes;
        break;
      case 6:
        kind = field.value;
        break;
      case 7:
        start = field.value;
        break;
      case 8:
        end = field.value;
        break;
      case 11: {
        std::string_view event_name;
        std::uint64_t time = 0;
        Reader event(field.bytes);
        for (Field part; event.Next(part);) {
          if (part.number == 1) time = part.value;
          if (part.number == 2) event_name = part.bytes;
        }
        events += fmt::format("SpanEvent #{}\n     -> Name: {}\n     -> Timestamp: {}\n{}",
                              event_count++, Clean(event_name), Time(time),
                              Attributes(field.bytes, 3, "     ", "     -> Attributes::"));
        break;
      }
      case 13: {
        std::string_view link_trace, link_span;
        Reader link(field.bytes);
        for (Field part; link.Next(part);) {
          if (part.number == 1) link_trace = part.bytes;
          if (part.number == 2) link_span = part.bytes;
        }
        links += fmt::format("SpanLink #{}\n     -> Trace ID: {}\n     -> ID: {}\n{}", link_count++,
                             Hex(link_trace), Hex(link_span),
                             Attributes(field.bytes, 4, "     ", "     -> Attributes::"));
        break;
      }
      case 15: {
        Reader parts(field.bytes);
        for (Field part; parts.Next(part);) {
          if (part.number == 2) status_message = part.bytes;
          if (part.number == 3) status = part.value;
        }
        break;
      }
      default:
        break;
    }
  }
  constexpr std::array<std::string_view, 3> kStatus = {"Unset", "Ok", "Error"};
  std::string text = fmt::format(
      "    Trace ID       : {}\n    Parent ID      : {}\n    ID             : {}\n"
      "    Name           : {}\n    Kind           : {}\n",
      Hex(trace_id), Hex(parent), Hex(id), Clean(name), KindName(kind));
  if (!state.empty()) text += fmt::format("    TraceState     : {}\n", Clean(state));
  text += fmt::format(
      "    Start time     : {}\n    End time       : {}\n    Status code    : {}\n"
      "    Status message : {}\n",
      Time(start), Time(end), status < 3 ? kStatus[status] : "Unknown", Clean(status_message));
  text += Attributes(span, 9, "", "Attributes:");
  if (!events.empty()) text += "Events:\n" + events;
  if (!links.empty()) text += "Links:\n" + links;
  return text;
}

std::string LogText(std::string_view record) {
  std::uint64_t time = 0, observed = 0, severity = 0, flags = 0;
  std::string_view severity_text, trace_id, span_id, event_name;
  std::string body = "Empty()";
  Reader reader(record);
  for (Field field; reader.Next(field);) {
    switch (field.number) {
      case 1:
        time = field.value;
        break;
      case 2:
        severity = field.value;
        break;
      case 3:
        severity_text = field.bytes;
        break;
      case 5:
        body = Value(field.bytes);
        break;
      case 8:
        flags = field.value;
        break;
      case 9:
        trace_id = field.bytes;
        break;
      case 10:
        span_id = field.bytes;
        break;
      case 11:
        observed = field.value;
        break;
      case 12:
        event_name = field.bytes;
        break;
      default:
        break;
    }
  }
  std::string text =
      fmt::format("ObservedTimestamp: {}\nTimestamp: {}\nSeverityText: {}\nSeverityNumber: {}\n",
                  Time(observed), Time(time), Clean(severity_text), severity);
  if (!event_name.empty()) text += fmt::format("EventName: {}\n", Clean(event_name));
  text += fmt::format("Body: {}\n{}", body, Attributes(record, 6, "", "Attributes:"));
  return text +
         fmt::format("Trace ID: {}\nSpan ID: {}\nFlags: {}\n", Hex(trace_id), Hex(span_id), flags);
}

struct MetricData {
  std::uint32_t field;
  std::string_view name;
};
constexpr std::array<MetricData, 5> kMetricData = {
    {{5, "Gauge"}, {7, "Sum"}, {9, "Histogram"}, {10, "ExponentialHistogram"}, {11, "Summary"}}};

std::string PointText(std::uint32_t kind, std::string_view point) {
  const bool number = kind == 5 || kind == 7;
  const std::uint32_t attributes = number || kind == 11 ? 7 : kind == 9 ? 9 : 1;
  std::uint64_t start = 0, time = 0, count = 0;
  std::string value, sum;
  Reader reader(point);
  for (Field field; reader.Next(field);) {
    if (field.number == 2) start = field.value;
    if (field.number == 3) time = field.value;
    if (number && field.number == 4) value = fmt::format("{:f}", field.AsDouble());
    if (number && field.number == 6) {
      value = fmt::format("{}", static_cast<std::int64_t>(field.value));
    }
    if (!number && field.number == 4) count = field.value;
    if (!number && field.number == 5) sum = fmt::format("{:f}", field.AsDouble());
  }
  std::string text = Attributes(point, attributes, "", "Data point attributes:");
  text += fmt::format("StartTimestamp: {}\nTimestamp: {}\n", Time(start), Time(time));
  if (number) return text + fmt::format("Value: {}\n", value);
  return text + fmt::format("Count: {}\nSum: {}\n", count, sum);
}

std::string MetricText(std::string_view metric, bool one_line) {
  std::string_view name, description, unit;
  std::string points, type = "Empty";
  std::string lines;
  int count = 0;
  Reader reader(metric);
  for (Field field; reader.Next(field);) {
    if (field.number == 1) name = field.bytes;
    if (field.number == 2) description = field.bytes;
    if (field.number == 3) unit = field.bytes;
    for (const MetricData& data : kMetricData) {
      if (!field.Is(data.field, WireType::kBytes)) continue;
      type = data.name;
      Reader list(field.bytes);
      for (Field point; list.Next(point);) {
        if (!point.Is(1, WireType::kBytes)) continue;
        ++count;
        if (one_line) continue;
        points += fmt::format("{}DataPoints #{}\n{}",
                              data.field == 5 || data.field == 7 ? "Number" : data.name, count - 1,
                              PointText(data.field, point.bytes));
      }
    }
  }
  if (one_line) return fmt::format("{} {} points={}\n", Clean(name), type, count);
  return fmt::format(
      "Descriptor:\n     -> Name: {}\n     -> Description: {}\n     -> Unit: {}\n     -> DataType: "
      "{}\n{}",
      Clean(name), Clean(description), Clean(unit), type, points);
}

std::string ItemLine(Signal signal, std::string_view item) {
  if (signal == Signal::kMetrics) return MetricText(item, true);
  if (signal == Signal::kProfiles) return {};
  std::string_view first, second, third;
  std::string body;
  Reader reader(item);
  for (Field field; reader.Next(field);) {
    if (signal == Signal::kTraces) {
      if (field.number == 5) first = field.bytes;
      if (field.number == 1) second = field.bytes;
      if (field.number == 2) third = field.bytes;
    } else if (field.number == 5) {
      body = Bare(Value(field.bytes));
    }
  }
  if (signal == Signal::kTraces) {
    return fmt::format("{} {} {}{}\n", Clean(first), Hex(second), Hex(third), OneLine(item, 9));
  }
  return fmt::format("{}{}\n", body, OneLine(item, 6));
}

std::string ItemText(Signal signal, std::string_view item) {
  switch (signal) {
    case Signal::kTraces:
      return SpanText(item);
    case Signal::kMetrics:
      return MetricText(item, false);
    case Signal::kLogs:
      return LogText(item);
    case Signal::kProfiles:  // not looked into
      break;
  }
  return {};
}

std::string ScopeName(std::string_view scope_items) {
  std::string text;
  Reader reader(scope_items);
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    Reader scope(field.bytes);
    for (Field part; scope.Next(part);) {
      if (part.Is(1, WireType::kBytes) || part.Is(2, WireType::kBytes)) {
        if (!text.empty()) text += part.number == 2 ? (" ") : "";
        text += Clean(part.bytes);
      }
    }
  }
  return text;
}

std::string_view Child(std::string_view message, std::uint32_t number) {
  std::string_view child;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(number, WireType::kBytes)) child = field.bytes;
  }
  return child;
}

}  // namespace

std::string DebugText(Signal signal, std::string_view request, std::uint64_t items,
                      Verbosity verbosity) {
  const Shape& shape = kShapes[IndexOf(signal)];
  const bool detailed = verbosity == Verbosity::kDetailed;
  std::string text;
  std::uint64_t resource_count = 0;
  Reader resources(request);
  for (Field resource; resources.Next(resource);) {
    if (!resource.Is(1, WireType::kBytes)) continue;
    const std::uint64_t resource_number = resource_count++;
    if (verbosity == Verbosity::kBasic) continue;
    const std::string_view resource_message = Child(resource.bytes, 1);
    if (detailed) {
      text += fmt::format("{} #{}\nResource SchemaURL: {}\n{}", shape.resource, resource_number,
                          Clean(Child(resource.bytes, 3)),
                          Attributes(resource_message, 1, "", "Resource attributes:"));
    } else {
      text +=
          fmt::format("{} #{}{}\n", shape.resource, resource_number, OneLine(resource_message, 1));
    }
    std::uint64_t scope_number = 0;
    Reader scopes(resource.bytes);
    for (Field scope; scopes.Next(scope);) {
      if (!scope.Is(2, WireType::kBytes)) continue;
      const std::string name = ScopeName(scope.bytes);
      if (detailed) {
        text += fmt::format("{0} #{1}\n{0} SchemaURL: {2}\nInstrumentationScope {3}\n", shape.scope,
                            scope_number++, Clean(Child(scope.bytes, 3)), name);
      } else {
        text += fmt::format("{} #{} {}\n", shape.scope, scope_number++, name);
      }
      std::uint64_t item_number = 0;
      Reader list(scope.bytes);
      for (Field item; list.Next(item);) {
        if (!item.Is(2, WireType::kBytes)) continue;
        if (detailed) {
          text +=
              fmt::format("{} #{}\n{}", shape.item, item_number++, ItemText(signal, item.bytes));
        } else {
          text += ItemLine(signal, item.bytes);
        }
      }
    }
  }
  return fmt::format("debug: {} resources={} {}={}\n", shape.word, resource_count,
                     ItemsName(signal), items) +
         text;
}

}  // namespace wirespan::gateway
