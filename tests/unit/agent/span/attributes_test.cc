#include "agent/span/attributes.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "agent/span/attribute_names.h"

namespace wirespan::span {
namespace {

using connection::ConnectionInfo;
using connection::Family;
using protocol::Exchange;
using protocol::Outcome;

struct Input {
  ConnectionInfo connection{};
  Exchange exchange{};
  AttributeOptions options{};
  std::string known_methods{};
  std::string route{};
  ParentMethod parent = ParentMethod::kNone;
};

struct Output {
  std::map<std::string, std::string> attributes{};
  std::string name{};
  Status status = Status::kUnset;
};

Input Basic(bool server) {
  Input input;
  input.connection.local.family = input.connection.remote.family = Family::kInet;
  input.connection.local.ip = {192, 0, 2, 1};
  input.connection.remote.ip = {203, 0, 113, 9};
  input.connection.local.port = server ? 8080 : 40000;
  input.connection.remote.port = server ? 40000 : 8080;
  input.exchange.side = server ? protocol::Side::kServer : protocol::Side::kClient;
  input.exchange.method = "GET";
  input.exchange.target = "/a/b?x=1&sig=abc";
  input.exchange.host = "example.com:8080";
  input.exchange.user_agent = "curl/8";
  input.exchange.status = 200;
  input.exchange.request_start_ns = 1000;
  input.exchange.response_end_ns = 2000;
  input.exchange.request_body_bytes = 0;
  input.exchange.response_body_bytes = 12;
  return input;
}

Output Describe(const Input& input) {
  ExchangeFacts facts;
  ComputeFacts(input.connection, input.exchange,
               input.known_methods.empty() ? KnownMethods() : KnownMethods(input.known_methods),
               facts);
  facts.route = input.route;
  Output output;
  SpanScratch scratch;
  AttributeList list;
  SpanAttributes(input.connection, input.exchange, facts, Identity{WireId{1}, WireKind::kTcp},
                 input.parent, input.options, scratch, list);
  for (const Attribute& attribute : list) {
    std::string value;
    if (const auto text = attribute.value.text()) value = *text;
    if (const auto number = attribute.value.number()) value = std::to_string(*number) + "i";
    EXPECT_TRUE(output.attributes.emplace(attribute.key, value).second)
        << "twice: " << attribute.key;
  }
  output.name = SpanName(facts, scratch).view();
  output.status = facts.status;
  return output;
}

constexpr char kWireIdHex[] = "01000000000000000000000000000000";

TEST(AttributesTest, ServerSpanHasTheseAndNoOthers) {
  const Output out = Describe(Basic(true));
  const std::map<std::string, std::string> expected = {
      {"http.request.method", "GET"},        {"url.path", "/a/b"},
      {"url.query", "x=1&sig=REDACTED"},     {"url.scheme", "http"},
      {"server.address", "example.com"},     {"server.port", "8080i"},
      {"http.response.status_code", "200i"}, {"network.protocol.version", "1.1"},
      {"client.address", "203.0.113.9"},     {"network.peer.address", "203.0.113.9"},
      {"network.peer.port", "40000i"},       {"user_agent.original", "curl/8"},
      {"http.request.body.size", "0i"},      {"http.response.body.size", "12i"},
      {"wirespan.wire_id", kWireIdHex},
  };
  EXPECT_EQ(out.attributes, expected);
  EXPECT_EQ(out.name, "GET");
  EXPECT_EQ(out.status, Status::kUnset);
}

TEST(AttributesTest, ClientSpanHasTheseAndNoOthers) {
  const Output out = Describe(Basic(false));
  const std::map<std::string, std::string> expected = {
      {"http.request.method", "GET"},
      {"url.full", "http://example.com:8080/a/b?x=1&sig=REDACTED"},
      {"server.address", "example.com"},
      {"server.port", "8080i"},
      {"http.response.status_code", "200i"},
      {"network.protocol.version", "1.1"},
      {"network.peer.address", "203.0.113.9"},
      {"network.peer.port", "8080i"},
      {"user_agent.original", "curl/8"},
      {"http.request.body.size", "0i"},
      {"http.response.body.size", "12i"},
      {"wirespan.wire_id", kWireIdHex},
  };
  EXPECT_EQ(out.attributes, expected);
}

// One change to the basic exchange, and what must follow. "" : the attribute is absent.
struct Case {
  const char* what;
  bool server;
  std::function<void(Input&)> change;
  std::map<std::string, std::string> expected;
  const char* name = "GET";
  Status status = Status::kUnset;
};

TEST(AttributesTest, FollowTheConventions) {
  const Case cases[] = {
      {"unknown method",
       true,
       [](Input& i) { i.exchange.method = "PURGE"; },
       {{"http.request.method", "_OTHER"}, {"http.request.method_original", "PURGE"}},
       "HTTP"},
      {"methods are case-sensitive",
       true,
       [](Input& i) { i.exchange.method = "get"; },
       {{"http.request.method", "_OTHER"}, {"http.request.method_original", "get"}},
       "HTTP"},
      {"the override replaces the list",
       true,
       [](Input& i) { i.known_methods = "PURGE, POST"; },
       {{"http.request.method", "_OTHER"}, {"http.request.method_original", "GET"}},
       "HTTP"},
      {"an overridden method",
       true,
       [](Input& i) {
         i.known_methods = "PURGE, POST";
         i.exchange.method = "PURGE";
       },
       {{"http.request.method", "PURGE"}, {"http.request.method_original", ""}},
       "PURGE"},
      {"a route",
       true,
       [](Input& i) { i.route = "/a/{x}"; },
       {{"http.route", "/a/{x}"}, {"wirespan.route.source", "config"}},
       "GET /a/{x}"},
      {"no query",
       true,
       [](Input& i) { i.exchange.target = "/a"; },
       {{"url.path", "/a"}, {"url.query", ""}}},
      {"dropped query",
       true,
       [](Input& i) { i.options.query = QueryRedaction::kDrop; },
       {{"url.query", ""}}},
      {"dropped query, client",
       false,
       [](Input& i) { i.options.query = QueryRedaction::kDrop; },
       {{"url.full", "http://example.com:8080/a/b"}}},
      {"hidden values",
       true,
       [](Input& i) { i.options.query = QueryRedaction::kValues; },
       {{"url.query", "x=REDACTED&sig=REDACTED"}}},
      {"server 404", true, [](Input& i) { i.exchange.status = 404; }, {{"error.type", ""}}},
      {"client 404",
       false,
       [](Input& i) { i.exchange.status = 404; },
       {{"error.type", "404"}},
       "GET",
       Status::kError},
      {"client 302", false, [](Input& i) { i.exchange.status = 302; }, {{"error.type", ""}}},
      {"server 503",
       true,
       [](Input& i) { i.exchange.status = 503; },
       {{"error.type", "503"}, {"http.response.status_code", "503i"}},
       "GET",
       Status::kError},
      {"no response",
       false,
       [](Input& i) {
         i.exchange.status = 0;
         i.exchange.outcome = Outcome::kNoResponse;
       },
       {{"error.type", "no_response"}, {"http.response.status_code", ""}},
       "GET",
       Status::kError},
      {"aborted response",
       true,
       [](Input& i) { i.exchange.outcome = Outcome::kResponseAborted; },
       {{"error.type", "response_aborted"}, {"http.response.status_code", "200i"}},
       "GET",
       Status::kError},
      {"an aborted 500 is a 500",
       true,
       [](Input& i) {
         i.exchange.outcome = Outcome::kResponseAborted;
         i.exchange.status = 500;
       },
       {{"error.type", "500"}},
       "GET",
       Status::kError},
      {"upgrade",
       true,
       [](Input& i) {
         i.exchange.outcome = Outcome::kUpgraded;
         i.exchange.status = 101;
       },
       {{"error.type", ""}, {"http.response.status_code", "101i"}}},
      {"CONNECT",
       false,
       [](Input& i) {
         i.exchange.method = "CONNECT";
         i.exchange.target = "db.example:443";
         i.exchange.outcome = Outcome::kUpgraded;
       },
       {{"server.address", "db.example"}, {"server.port", "443i"}, {"url.full", "db.example:443"}},
       "CONNECT"},
      {"asterisk form",
       false,
       [](Input& i) {
         i.exchange.method = "OPTIONS";
         i.exchange.target = "*";
       },
       {{"url.full", "http://example.com:8080"}},
       "OPTIONS"},
      {"absolute form outranks Host; user info is hidden",
       false,
       [](Input& i) { i.exchange.target = "http://u:p@origin.example/x"; },
       {{"server.address", "origin.example"},
        {"server.port", "80i"},
        {"url.full", "http://REDACTED:REDACTED@origin.example/x"}}},
      {"Host without port",
       true,
       [](Input& i) { i.exchange.host = "example.com"; },
       {{"server.address", "example.com"}, {"server.port", "80i"}}},
      {"IPv6 Host",
       false,
       [](Input& i) {
         i.exchange.host = "[2001:db8::1]:8080";
         i.exchange.target = "/";
       },
       {{"server.address", "2001:db8::1"}, {"url.full", "http://[2001:db8::1]:8080/"}}},
      {"no Host, server",
       true,
       [](Input& i) { i.exchange.host = ""; },
       {{"server.address", ""}, {"server.port", ""}}},
      {"no Host, client",
       false,
       [](Input& i) { i.exchange.host = ""; },
       {{"server.address", "203.0.113.9"}, {"server.port", "8080i"}}},
      {"bad Host, client",
       false,
       [](Input& i) { i.exchange.host = "a b\x01"; },
       {{"server.address", "203.0.113.9"}}},
      {"Forwarded",
       true,
       [](Input& i) { i.exchange.forwarded = "for=198.51.100.7:99;host=api.example;proto=https"; },
       {{"client.address", "198.51.100.7"},
        {"server.address", "api.example"},
        {"server.port", "443i"},
        {"url.scheme", "https"},
        {"network.peer.address", "203.0.113.9"}}},
      {"X-Forwarded-*",
       true,
       [](Input& i) {
         i.exchange.x_forwarded_for = "198.51.100.7, 10.0.0.1";
         i.exchange.x_forwarded_host = "www.example:444";
         i.exchange.x_forwarded_proto = "HTTPS";
       },
       {{"client.address", "198.51.100.7"},
        {"server.address", "www.example"},
        {"server.port", "444i"},
        {"url.scheme", "https"}}},
      {"Forwarded says nothing of a client span",
       false,
       [](Input& i) {
         i.exchange.forwarded = "host=evil;proto=https";
         i.exchange.target = "/";
       },
       {{"server.address", "example.com"}, {"url.full", "http://example.com:8080/"}}},
      {"forged X-Forwarded-For",
       true,
       [](Input& i) { i.exchange.x_forwarded_for = "<script>"; },
       {{"client.address", "203.0.113.9"}}},
      {"PROXY preamble",
       true,
       [](Input& i) { i.exchange.proxy_client_address = "198.51.100.1"; },
       {{"client.address", "198.51.100.1"}, {"network.peer.address", "203.0.113.9"}}},
      {"truncated client",
       true,
       [](Input& i) { i.options.client_address = ClientAddress::kTruncated; },
       {{"client.address", "203.0.113.0"}, {"network.peer.address", "203.0.113.0"}}},
      {"client off",
       true,
       [](Input& i) { i.options.client_address = ClientAddress::kOff; },
       {{"client.address", ""}, {"network.peer.address", ""}, {"network.peer.port", ""}}},
      {"truncated, whoever named it",
       true,
       [](Input& i) {
         i.options.client_address = ClientAddress::kTruncated;
         i.exchange.forwarded = "for=\"[2001:db8:1:2::3]:99\"";
         i.exchange.proxy_client_address = "198.51.100.1";
       },
       {{"client.address", "2001:db8:1::"}}},
      {"truncated PROXY preamble",
       true,
       [](Input& i) {
         i.options.client_address = ClientAddress::kTruncated;
         i.exchange.proxy_client_address = "198.51.100.1";
       },
       {{"client.address", "198.51.100.0"}}},
      {"client off, whoever named it",
       true,
       [](Input& i) {
         i.options.client_address = ClientAddress::kOff;
         i.exchange.x_forwarded_for = "198.51.100.7";
         i.exchange.proxy_client_address = "198.51.100.1";
       },
       {{"client.address", ""}, {"network.peer.address", ""}}},
      {"client off leaves servers' addresses",
       false,
       [](Input& i) { i.options.client_address = ClientAddress::kOff; },
       {{"network.peer.address", "203.0.113.9"}}},
      {"HTTP/1.0",
       true,
       [](Input& i) { i.exchange.version_minor = 0; },
       {{"network.protocol.version", "1.0"}}},
      {"HTTP/2",
       true,
       [](Input& i) {
         i.exchange.version_major = 2;
         i.exchange.version_minor = 0;
       },
       {{"network.protocol.version", "2"}}},
      {"Unix socket",
       true,
       [](Input& i) {
         i.connection.local = {.family = Family::kUnix, .path = "/run/app.sock"};
         i.connection.remote = {.family = Family::kUnix};
       },
       {{"network.transport", "unix"},
        {"network.peer.address", "/run/app.sock"},
        {"network.peer.port", ""},
        {"client.address", ""}}},
      {"incomplete",
       true,
       [](Input& i) {
         i.exchange.incomplete =
             protocol::kIncompleteRequestHead | protocol::kIncompleteResponseBody;
       },
       {{"wirespan.incomplete", "request_head,response_body"}}},
      {"unknown sizes",
       true,
       [](Input& i) {
         i.exchange.request_body_bytes.reset();
         i.exchange.response_body_bytes.reset();
       },
       {{"http.request.body.size", ""}, {"http.response.body.size", ""}}},
      {"parent",
       true,
       [](Input& i) { i.parent = ParentMethod::kWire; },
       {{"wirespan.parent.method", "wire"}}},
      {"inferred end",
       true,
       [](Input& i) { i.exchange.response_end_ns = 0; },
       {{"wirespan.inferred", "end_time"}}},
      {"invalid UTF-8",
       true,
       [](Input& i) {
         i.exchange.target = "/\xff\xc3\xa4";
         i.exchange.user_agent = "\xc0\x80";
       },
       {{"url.path", "/\xef\xbf\xbd\xc3\xa4"},
        {"user_agent.original", "\xef\xbf\xbd\xef\xbf\xbd"}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Input input = Basic(c.server);
    c.change(input);
    const Output out = Describe(input);
    for (const auto& [key, value] : c.expected) {
      const auto found = out.attributes.find(key);
      if (value.empty()) {
        EXPECT_EQ(found, out.attributes.end()) << key;
      } else {
        ASSERT_NE(found, out.attributes.end()) << key;
        EXPECT_EQ(found->second, value) << key;
      }
    }
    EXPECT_EQ(out.name, c.name);
    EXPECT_EQ(out.status, c.status);
  }
}

TEST(AttributesTest, NothingFromTheWireBreaksThem) {
  // Every byte value in every field: no crash (sanitizers look), valid UTF-8, no negative duration.
  for (int byte = 0; byte < 256; ++byte) {
    for (const bool server : {false, true}) {
      Input input = Basic(server);
      const std::string bad =
          std::string(1, static_cast<char>(byte)) + "x" + std::string(2, static_cast<char>(byte));
      Exchange& e = input.exchange;
      e.method = e.target = e.host = e.user_agent = e.forwarded = e.x_forwarded_for = bad;
      e.x_forwarded_host = e.x_forwarded_proto = e.traceparent = bad;
      e.status = byte - 100;
      e.response_end_ns = 1;
      const Output out = Describe(input);
      EXPECT_FALSE(out.attributes.empty());
    }
  }
}

}  // namespace
}  // namespace wirespan::span
