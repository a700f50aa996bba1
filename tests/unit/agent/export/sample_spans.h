#pragma once

#include <memory>
#include <string>

#include "agent/span/span.h"

namespace wirespan::exporting {

inline std::shared_ptr<const span::Resource> SampleResource(const std::string& name) {
  span::Resource resource;
  resource.service_name = name;
  resource.attributes = {
      {"host.name", "node-1"},
      {"process.pid", std::int64_t{4711}},
      {"process.command_args", std::vector<std::string>{"nginx", "-g", "daemon off;"}}};
  resource.pid = 4711;
  return std::make_shared<const span::Resource>(std::move(resource));
}

// A server span as the agent makes them.
inline span::Span SampleSpan(std::shared_ptr<const span::Resource> resource,
                             std::uint8_t number = 1) {
  span::Span span;
  span.trace_id.fill(0xab);
  span.span_id.fill(number == 0 ? 1 : number);
  span.parent_id.fill(0x17);
  span.trace_state = "vendor=1";
  span.start_ns = 1'700'000'000'000'000'000 + number;
  span.end_ns = span.start_ns + 1'500'000;
  span.name = "GET /users/{id}";
  span.attributes = {{"http.request.method", "GET"},
                     {"url.path", "/users/42"},
                     {"url.scheme", "http"},
                     {"http.response.status_code", std::int64_t{200}},
                     {"http.route", "/users/{id}"},
                     {"server.address", "shop.example"},
                     {"server.port", std::int64_t{8080}},
                     {"client.address", "192.0.2.7"},
                     {"network.peer.address", "192.0.2.7"},
                     {"network.peer.port", std::int64_t{51234}},
                     {"network.protocol.version", "1.1"},
                     {"user_agent.original", "curl/7.88.1"},
                     {"http.response.body.size", std::int64_t{1234}},
                     {"wirespan.wire_id", "0123456789abcdef0123456789abcdef"}};
  span.resource = std::move(resource);
  return span;
}

}  // namespace wirespan::exporting
