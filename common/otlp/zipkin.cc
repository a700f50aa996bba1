#include "common/otlp/zipkin.h"

#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/otlp/json_lexer.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Endpoint {
  std::string service{};
  std::string address{};
  std::uint64_t port = 0;
};

struct ZipkinSpan {
  std::string trace_id{};  // hex, as read
  std::string id{};
  std::string parent_id{};
  std::string name{};
  std::string kind{};
  std::uint64_t timestamp_us = 0;
  std::uint64_t duration_us = 0;
  Endpoint local{};
  Endpoint remote{};
  std::vector<std::pair<std::uint64_t, std::string>> annotations{};  // microseconds, text
  Pairs tags{};
};

// Reads the array; unknown members are skipped.
class ZipkinReader : public JsonLexer {
 public:
  using JsonLexer::JsonLexer;

  template <class Visit>
  bool Spans(Visit visit) {
    return Array([&] {
             ZipkinSpan span;
             return Span(span) && visit(span);
           }) &&
           AtEnd();
  }

 private:
  template <class Item>
  bool Array(Item item) {
    if (!Take('[')) return Bad("an array is needed here");
    if (Take(']')) return true;
    do {
      if (!item()) return false;
    } while (Take(','));
    return Take(']') || Bad("',' or ']' is needed here");
  }

  // Calls member(key) with the value ahead.
  template <class Member>
  bool Object(Member member) {
    if (!Take('{')) return Bad("an object is needed here");
    if (Take('}')) return true;
    do {
      std::string key;
      if (!String(key)) return false;
      if (!Take(':')) return Bad("':' is needed here");
      if (TakeWord("null")) continue;
      if (!member(key)) return false;
    } while (Take(','));
    return Take('}') || Bad("',' or '}' is needed here");
  }

  // Whole and not negative; senders write some as text.
  bool Whole(std::uint64_t& value) {
    std::string quoted;
    std::string_view text;
    if (Peek() == '"') {
      if (!String(quoted)) return false;
      text = quoted;
    } else if (!Number(text)) {
      return false;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole || Bad("a whole number is needed here");
  }

  bool ReadEndpoint(Endpoint& endpoint) {
    return Object([&](const std::string& key) {
      if (key == "serviceName") return String(endpoint.service);
      if (key == "ipv4" || key == "ipv6") return String(endpoint.address);
      if (key == "port") return Whole(endpoint.port);
      return SkipValue(2);
    });
  }

  bool Annotation(ZipkinSpan& span) {
    std::uint64_t timestamp = 0;
    std::string value;
    const bool read = Object([&](const std::string& key) {
      if (key == "timestamp") return Whole(timestamp);
      if (key == "value") return String(value);
      return SkipValue(3);
    });
    if (read) span.annotations.emplace_back(timestamp, std::move(value));
    return read;
  }

  bool Tag(ZipkinSpan& span, const std::string& key) {
    std::string value;
    if (Peek() != '"') {  // not by the book, and seen: a number or a boolean
      std::string_view number;
      if (TakeWord("true")) {
        value = "true";
      } else if (TakeWord("false")) {
        value = "false";
      } else if (Number(number)) {
        value = number;
      } else {
        return false;
      }
    } else if (!String(value)) {
      return false;
    }
    span.tags.emplace_back(key, std::move(value));
    return true;
  }

  bool Span(ZipkinSpan& span) {
    return Object([&](const std::string& key) {
      if (key == "traceId") return String(span.trace_id);
      if (key == "id") return String(span.id);
      if (key == "parentId") return String(span.parent_id);
      if (key == "name") return String(span.name);
      if (key == "kind") return String(span.kind);
      if (key == "timestamp") return Whole(span.timestamp_us);
      if (key == "duration") return Whole(span.duration_us);
      if (key == "localEndpoint") return ReadEndpoint(span.local);
      if (key == "remoteEndpoint") return ReadEndpoint(span.remote);
      if (key == "annotations") return Array([&] { return Annotation(span); });
      if (key == "tags") {
        return Object([&](const std::string& tag) { return Tag(span, tag); });
      }
      return SkipValue(2);
    });
  }
};

void Attribute(std::string& out, std::uint32_t field, std::string_view key, std::string_view text) {
  std::string value;
  AppendBytesField(value, 1, text);
  std::string pair;
  AppendBytesField(pair, 1, key);
  AppendBytesField(pair, 2, value);
  AppendBytesField(out, field, pair);
}

void Number(std::string& out, std::uint32_t field, std::string_view key, std::uint64_t number) {
  std::string value;
  AppendVarintField(value, 3, number);
  std::string pair;
  AppendBytesField(pair, 1, key);
  AppendBytesField(pair, 2, value);
  AppendBytesField(out, field, pair);
}

std::uint64_t KindNumber(std::string_view kind) {
  if (kind == "SERVER") return 2;
  if (kind == "CLIENT") return 3;
  if (kind == "PRODUCER") return 4;
  if (kind == "CONSUMER") return 5;
  return 1;  // internal: Zipkin has no word for it
}

// Short ids are padded on the left: a 64-bit trace id is the low half of one of 128 bits.
std::string IdBytes(std::string text, std::size_t bytes) {
  if (text.size() < 2 * bytes) text.insert(0, 2 * bytes - text.size(), '0');
  return FromHex(text).value_or("");
}

std::uint64_t Nanoseconds(std::uint64_t us) { return us * 1000; }

void Status(std::string& out, const Pairs& tags) {
  std::uint64_t code = 0;
  std::string_view message;
  for (const auto& [key, value] : tags) {
    if (key == "otel.status_code") code = value == "ERROR" ? 2 : value == "OK" ? 1 : code;
    if (key == "error" && value != "false") {
      code = 2;
      if (value != "true") message = value;
    }
  }
  if (code == 0) return;
  std::string status;
  if (!message.empty()) AppendBytesField(status, 2, message);
  AppendVarintField(status, 3, code);
  AppendBytesField(out, 15, status);
}

std::string SpanBytes(const ZipkinSpan& span) {
  std::string out;
  AppendBytesField(out, 1, IdBytes(span.trace_id, 16));
  AppendBytesField(out, 2, IdBytes(span.id, 8));
  if (!span.parent_id.empty()) AppendBytesField(out, 4, IdBytes(span.parent_id, 8));
  AppendBytesField(out, 5, span.name);
  AppendVarintField(out, 6, KindNumber(span.kind));
  AppendFixed64Field(out, 7, Nanoseconds(span.timestamp_us));
  AppendFixed64Field(out, 8, Nanoseconds(span.timestamp_us + span.duration_us));
  for (const auto& [key, value] : span.tags) {
    if (key != "otel.status_code" && !key.starts_with("otel.scope.")) Attribute(out, 9, key, value);
  }
  if (!span.local.address.empty()) Attribute(out, 9, "network.local.address", span.local.address);
  if (span.local.port != 0) Number(out, 9, "network.local.port", span.local.port);
  if (!span.remote.service.empty()) Attribute(out, 9, "peer.service", span.remote.service);
  if (!span.remote.address.empty()) Attribute(out, 9, "network.peer.address", span.remote.address);
  if (span.remote.port != 0) Number(out, 9, "network.peer.port", span.remote.port);
  for (const auto& [timestamp, value] : span.annotations) {
    std::string event;
    AppendFixed64Field(event, 1, Nanoseconds(timestamp));
    AppendBytesField(event, 2, value);
    AppendBytesField(out, 11, event);
  }
  Status(out, span.tags);
  return out;
}

}  // namespace

Result<std::string> RequestFromZipkin(std::string_view json) {
  std::map<std::string, std::string> scopes;  // by service name: ScopeSpans
  ZipkinReader reader(json);
  const bool read = reader.Spans([&](const ZipkinSpan& span) {
    AppendBytesField(scopes[span.local.service], 2, SpanBytes(span));
    return true;
  });
  if (!read) return reader.Failure();
  std::string request;
  for (const auto& [service, scope] : scopes) {
    std::string resource;
    Attribute(resource, 1, "service.name", service.empty() ? "unknown_service" : service);
    std::string group;
    AppendBytesField(group, 1, resource);
    AppendBytesField(group, 2, scope);
    AppendBytesField(request, 1, group);
  }
  return request;
}

}  // namespace wirespan::otlp
