#include "gateway/sink/zipkin_model.h"

#include <algorithm>

#include "common/otlp/json_text.h"
#include "gateway/sink/span_view.h"
#include "gateway/sink/value_text.h"

namespace wirespan::gateway {

namespace {

// One JSON object: members appended with their commas.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  void End() { out_ += '}'; }
  std::string& Key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    otlp::AppendJsonString(out_, key);
    out_ += ':';
    return out_;
  }
  void Text(std::string_view key, std::string_view text) { otlp::AppendJsonString(Key(key), text); }
  void Number(std::string_view key, std::uint64_t number) { Key(key) += std::to_string(number); }

 private:
  std::string& out_;
  bool first_ = true;
};

// Zipkin has no "internal": the member is left out.
std::string_view KindName(std::uint64_t kind) {
  constexpr std::string_view kNames[] = {"", "", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};
  return kind < std::size(kNames) ? kNames[kind] : "";
}

const AttributeView* Find(const std::vector<AttributeView>& attributes, std::string_view key) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const AttributeView& a) { return a.key == key; });
  return found == attributes.end() ? nullptr : &*found;
}

// The peer of a client or producer: the first name that is known, and its address.
void RemoteEndpoint(Object& object, const SpanView& span) {
  std::string_view name_key;
  for (const char* key : {"service.peer.name", "peer.service", "server.address",
                          "network.peer.address", "net.peer.name"}) {
    if (Find(span.attributes, key) != nullptr) {
      name_key = key;
      break;
    }
  }
  const bool asks = span.kind == 3 || span.kind == 4;
  if (!asks || name_key.empty()) return;
  Object endpoint(object.Key("remoteEndpoint"));
  endpoint.Text("serviceName", ValueText(Find(span.attributes, name_key)->value));
  if (const AttributeView* address = Find(span.attributes, "network.peer.address")) {
    const std::string text = ValueText(address->value);
    endpoint.Text(text.find(':') != std::string::npos ? "ipv6" : "ipv4", text);
  }
  for (const char* key : {"network.peer.port", "server.port"}) {
    const AttributeView* port = Find(span.attributes, key);
    if (port == nullptr) continue;
    const PlainValue value = ReadValue(port->value);
    if (value.kind != PlainValue::Kind::kInt || value.integer < 0) continue;
    endpoint.Number("port", static_cast<std::uint64_t>(value.integer));
    break;
  }
  endpoint.End();
}

void Annotations(Object& object, const SpanView& span) {
  if (span.events.empty()) return;
  std::string& out = object.Key("annotations");
  out += '[';
  for (const EventView& event : span.events) {
    if (&event != span.events.data()) out += ',';
    std::string value(event.name);
    if (!event.attributes.empty()) {
      value = "\"" + value + "\": ";
      Object attributes(value);
      for (const AttributeView& a : event.attributes) attributes.Text(a.key, ValueText(a.value));
      attributes.End();
    }
    Object annotation(out);
    annotation.Number("timestamp", event.time_ns / 1000);
    annotation.Text("value", value);
    annotation.End();
  }
  out += ']';
}

void Tags(Object& object, const ResourceView& resource, const ScopeView& scope,
          const SpanView& span) {
  Object tags(object.Key("tags"));
  for (const AttributeView& a : resource.attributes) {
    if (a.key != "service.name" && Find(span.attributes, a.key) == nullptr) {
      tags.Text(a.key, ValueText(a.value));
    }
  }
  for (const AttributeView& a : span.attributes) tags.Text(a.key, ValueText(a.value));
  if (!scope.name.empty()) tags.Text("otel.scope.name", scope.name);
  if (!scope.version.empty()) tags.Text("otel.scope.version", scope.version);
  if (!span.trace_state.empty()) tags.Text("w3c.tracestate", span.trace_state);
  if (span.status == 1) tags.Text("otel.status_code", "OK");
  if (span.status == 2) {
    tags.Text("otel.status_code", "ERROR");
    if (Find(span.attributes, "error") == nullptr) tags.Text("error", span.status_message);
  }
  tags.End();
}

}  // namespace

std::string ZipkinJson(std::string_view request) {
  std::string out = "[";
  ForEachSpan(request,
              [&](const ResourceView& resource, const ScopeView& scope, const SpanView& span) {
                if (out.size() > 1) out += ',';
                Object object(out);
                object.Text("traceId", ToHex(span.trace_id));
                object.Text("id", ToHex(span.span_id));
                if (!span.parent_id.empty()) object.Text("parentId", ToHex(span.parent_id));
                object.Text("name", span.name);
                if (const auto kind = KindName(span.kind); !kind.empty()) object.Text("kind", kind);
                object.Number("timestamp", span.start_ns / 1000);
                // Microseconds, and at least one: zero means "not known".
                const std::uint64_t took =
                    span.end_ns > span.start_ns ? (span.end_ns - span.start_ns) / 1000 : 0;
                object.Number("duration", std::max<std::uint64_t>(took, 1));
                Object local(object.Key("localEndpoint"));
                local.Text("serviceName", ServiceName(resource));
                local.End();
                RemoteEndpoint(object, span);
                Annotations(object, span);
                Tags(object, resource, scope, span);
                object.End();
              });
  out += ']';
  return out;
}

}  // namespace wirespan::gateway
