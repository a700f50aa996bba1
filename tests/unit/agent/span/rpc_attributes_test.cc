// What spans say of gRPC calls, and of HTTP/2 exchanges that were cut off.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "agent/protocol/grpc/text.h"
#include "agent/span/attributes.h"
#include "agent/span/rpc_facts.h"

namespace wirespan::span {
namespace {

using connection::Family;
using protocol::Outcome;
using protocol::Reset;

struct Input {
  connection::ConnectionInfo connection{};
  protocol::Exchange exchange{};
};

struct Output {
  std::map<std::string, std::string> attributes{};
  std::string name{};
  Status status = Status::kUnset;
};

Input Http2(bool server) {
  Input input;
  input.connection.local.family = input.connection.remote.family = Family::kInet;
  input.connection.local.ip = {192, 0, 2, 1};
  input.connection.remote.ip = {203, 0, 113, 9};
  input.connection.local.port = server ? 50051 : 40000;
  input.connection.remote.port = server ? 40000 : 50051;
  protocol::Exchange& exchange = input.exchange;
  exchange.protocol = protocol::Protocol::kHttp2;
  exchange.side = server ? protocol::Side::kServer : protocol::Side::kClient;
  exchange.version_major = 2;
  exchange.version_minor = 0;
  exchange.stream_id = 7;
  exchange.method = "POST";
  exchange.scheme = "http";
  exchange.target = "/a/b?x=1";
  exchange.host = "shop.example:50051";
  exchange.user_agent = "grpc-go/1.70";
  exchange.status = 200;
  exchange.request_start_ns = 1000;
  exchange.response_start_ns = 1500;
  exchange.response_end_ns = 2000;
  return input;
}

Input Call(bool server) {
  Input input = Http2(server);
  input.exchange.protocol = protocol::Protocol::kGrpc;
  input.exchange.target = "/shop.v1.Cart/Add";
  protocol::Rpc rpc;
  rpc.status = 0;
  rpc.request_messages = rpc.response_messages = 1;
  rpc.request_bytes = 100;
  rpc.response_bytes = 20;
  input.exchange.rpc = rpc;
  return input;
}

Output Describe(const Input& input) {
  ExchangeFacts facts;
  ComputeFacts(input.connection, input.exchange, KnownMethods(), facts);
  Output output;
  SpanScratch scratch;
  AttributeList list;
  SpanAttributes(input.connection, input.exchange, facts, Identity{WireId{1}, WireKind::kTcp},
                 ParentMethod::kNone, {}, scratch, list);
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

TEST(RpcAttributesTest, ServerCallHasTheseAndNoOthers) {
  const Output out = Describe(Call(true));
  const std::map<std::string, std::string> expected = {
      {"rpc.system.name", "grpc"},
      {"rpc.method", "shop.v1.Cart/Add"},
      {"rpc.response.status_code", "OK"},
      {"server.address", "shop.example"},
      {"server.port", "50051i"},
      {"client.address", "203.0.113.9"},
      {"network.peer.address", "203.0.113.9"},
      {"network.peer.port", "40000i"},
      {"network.protocol.version", "2"},
      {"user_agent.original", "grpc-go/1.70"},
      {"wirespan.rpc.request.messages", "1i"},
      {"wirespan.rpc.request.size", "100i"},
      {"wirespan.rpc.response.messages", "1i"},
      {"wirespan.rpc.response.size", "20i"},
      {"wirespan.wire_id", kWireIdHex},
  };
  EXPECT_EQ(out.attributes, expected);
  EXPECT_EQ(out.name, "shop.v1.Cart/Add");
  EXPECT_EQ(out.status, Status::kUnset);
}

TEST(RpcAttributesTest, ClientCallHasTheseAndNoOthers) {
  const Output out = Describe(Call(false));
  const std::map<std::string, std::string> expected = {
      {"rpc.system.name", "grpc"},
      {"rpc.method", "shop.v1.Cart/Add"},
      {"rpc.response.status_code", "OK"},
      {"server.address", "shop.example"},
      {"server.port", "50051i"},
      {"network.peer.address", "203.0.113.9"},
      {"network.peer.port", "50051i"},
      {"network.protocol.version", "2"},
      {"user_agent.original", "grpc-go/1.70"},
      {"wirespan.rpc.request.messages", "1i"},
      {"wirespan.rpc.request.size", "100i"},
      {"wirespan.rpc.response.messages", "1i"},
      {"wirespan.rpc.response.size", "20i"},
      {"wirespan.wire_id", kWireIdHex},
  };
  EXPECT_EQ(out.attributes, expected);
  EXPECT_EQ(out.name, "shop.v1.Cart/Add");
}

TEST(RpcAttributesTest, EveryStatusIsAnErrorWhereTheConventionsSaySo) {
  const std::string server_errors[] = {"UNKNOWN",  "DEADLINE_EXCEEDED", "UNIMPLEMENTED",
                                       "INTERNAL", "UNAVAILABLE",       "DATA_LOSS"};
  for (int status = 0; status < grpc::kStatuses; ++status) {
    const std::string name(grpc::StatusName(status));
    for (const bool server : {true, false}) {
      SCOPED_TRACE(name + (server ? " server" : " client"));
      Input input = Call(server);
      input.exchange.rpc->status = status;
      const Output out = Describe(input);
      EXPECT_EQ(out.attributes.at("rpc.response.status_code"), name);
      const bool listed = std::find(std::begin(server_errors), std::end(server_errors), name) !=
                          std::end(server_errors);
      const bool error = server ? listed : status != 0;
      EXPECT_EQ(out.status, error ? Status::kError : Status::kUnset);
      EXPECT_EQ(out.attributes.contains("error.type"), error);
      if (error) {
        EXPECT_EQ(out.attributes.at("error.type"), name);
      }
    }
  }
}

// One change to the basic exchange, and what must follow. "": the attribute is absent.
struct Case {
  const char* what;
  bool server;
  std::function<void(Input&)> change;
  std::map<std::string, std::string> expected;
  const char* name;
  Status status = Status::kUnset;
};

void Check(const std::vector<Case>& cases, Input (*basic)(bool)) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Input input = basic(c.server);
    c.change(input);
    const Output out = Describe(input);
    for (const auto& [key, value] : c.expected) {
      const auto found = out.attributes.find(key);
      EXPECT_EQ(found == out.attributes.end() ? "" : found->second, value) << key;
    }
    EXPECT_EQ(out.name, c.name);
    EXPECT_EQ(out.status, c.status);
  }
}

TEST(RpcAttributesTest, FollowTheConventions) {
  constexpr const char* kName = "shop.v1.Cart/Add";
  Check(
      {
          {"a path that HPACK's holes hide",
           true,
           [](Input& i) {
             i.exchange.target = {};
             i.exchange.incomplete = protocol::kIncompleteHpack;
           },
           {{"rpc.method", "_OTHER"},
            {"rpc.method_original", ""},
            {"wirespan.incomplete", "hpack"}},
           "grpc"},
          {"a path that names no method",
           true,
           [](Input& i) { i.exchange.target = "/healthz"; },
           {{"rpc.method", "_OTHER"}, {"rpc.method_original", "/healthz"}},
           "grpc"},
          {"a path below a prefix",
           true,
           [](Input& i) { i.exchange.target = "/api/shop.v1.Cart/Add"; },
           {{"rpc.method", "api/shop.v1.Cart/Add"}, {"rpc.method_original", ""}},
           "api/shop.v1.Cart/Add"},
          {"a method that the server has not",
           true,
           [](Input& i) {
             i.exchange.rpc->status = 12;
             i.exchange.rpc->response_messages = 0;
           },
           {{"rpc.method", "_OTHER"},
            {"rpc.method_original", kName},
            {"rpc.response.status_code", "UNIMPLEMENTED"}},
           "grpc",
           Status::kError},
          {"... which its client has",
           false,
           [](Input& i) {
             i.exchange.rpc->status = 12;
             i.exchange.rpc->response_messages = 0;
           },
           {{"rpc.method", kName}, {"rpc.method_original", ""}},
           kName,
           Status::kError},
          {"a status that was concluded",
           false,
           [](Input& i) {
             i.exchange.rpc->status = 4;
             i.exchange.rpc->status_inferred = true;
             i.exchange.outcome = Outcome::kNoResponse;
             i.exchange.reset = Reset::kClient;
             i.exchange.reset_code = 8;
           },
           {{"rpc.response.status_code", "DEADLINE_EXCEEDED"},
            {"error.type", "DEADLINE_EXCEEDED"},
            {"wirespan.inferred", "status"},
            {"wirespan.reset.by", "client"},
            {"wirespan.reset.code", "CANCEL"}},
           kName,
           Status::kError},
          {"cancelled, for the server",
           true,
           [](Input& i) {
             i.exchange.rpc->status = 1;
             i.exchange.rpc->status_inferred = true;
             i.exchange.outcome = Outcome::kResponseAborted;
             i.exchange.reset = Reset::kClient;
             i.exchange.reset_code = 8;
             i.exchange.response_end_ns = 0;
           },
           {{"rpc.response.status_code", "CANCELLED"},
            {"error.type", ""},
            {"wirespan.inferred", "end_time,status"}},
           kName},
          {"a status that nobody knows",
           false,
           [](Input& i) { i.exchange.rpc->status.reset(); },
           {{"rpc.response.status_code", ""}, {"error.type", ""}},
           kName},
          {"no status because the connection ended",
           true,
           [](Input& i) {
             i.exchange.rpc->status.reset();
             i.exchange.outcome = Outcome::kResponseAborted;
           },
           {{"rpc.response.status_code", ""}, {"error.type", "response_aborted"}},
           kName,
           Status::kError},
          {"a proxy's answer",
           false,
           [](Input& i) {
             i.exchange.status = 503;
             i.exchange.rpc->status = 14;
             i.exchange.rpc->status_inferred = true;
           },
           {{"http.response.status_code", "503i"}, {"error.type", "UNAVAILABLE"}},
           kName,
           Status::kError},
          {"a message that is no error's",
           true,
           [](Input& i) {
             i.exchange.rpc->status = 5;
             i.exchange.rpc->message = "no such cart";
           },
           {{"rpc.response.status_code", "NOT_FOUND"},
            {"wirespan.rpc.status_message", "no such cart"}},
           kName},
          {"an error's message is the status message",
           false,
           [](Input& i) {
             i.exchange.rpc->status = 5;
             i.exchange.rpc->message = "no such cart";
           },
           {{"wirespan.rpc.status_message", ""}},
           kName,
           Status::kError},
          {"counts that are lower bounds",
           true,
           [](Input& i) { i.exchange.rpc->request_exact = i.exchange.rpc->response_exact = false; },
           {{"wirespan.incomplete", "request_body,response_body"},
            {"wirespan.rpc.request.messages", "1i"}},
           kName},
          {"an authority without a port",
           false,
           [](Input& i) { i.exchange.host = "cart"; },
           {{"server.address", "cart"}, {"server.port", ""}},
           kName},
          {"no authority",
           false,
           [](Input& i) { i.exchange.host = {}; },
           {{"server.address", "203.0.113.9"}, {"server.port", "50051i"}},
           kName},
          {"a Unix socket",
           false,
           [](Input& i) {
             i.connection.local = {.family = Family::kUnix};
             i.connection.remote = {.family = Family::kUnix, .path = "/run/cart.sock"};
             i.exchange.host = "localhost";
           },
           {{"server.address", "/run/cart.sock"},
            {"server.port", ""},
            {"network.transport", "unix"},
            {"network.peer.address", "/run/cart.sock"}},
           kName},
          {"behind a proxy",
           true,
           [](Input& i) { i.exchange.x_forwarded_for = "198.51.100.7"; },
           {{"client.address", "198.51.100.7"}, {"network.peer.address", "203.0.113.9"}},
           kName},
          {"HTTP says nothing of it",
           true,
           [](Input& i) { i.exchange.request_body_bytes = i.exchange.response_body_bytes = 9; },
           {{"http.request.method", ""},
            {"url.path", ""},
            {"url.scheme", ""},
            {"http.response.status_code", ""},
            {"http.request.body.size", ""},
            {"http.response.body.size", ""}},
           kName},
      },
      Call);
}

TEST(RpcAttributesTest, Http2ExchangesHaveHttpSpans) {
  Check(
      {
          {"server",
           true,
           [](Input&) {},
           {{"http.request.method", "POST"},
            {"url.path", "/a/b"},
            {"url.query", "x=1"},
            {"url.scheme", "http"},
            {"server.address", "shop.example"},
            {"server.port", "50051i"},
            {"http.response.status_code", "200i"},
            {"network.protocol.version", "2"},
            {"rpc.system.name", ""}},
           "POST"},
          {"client",
           false,
           [](Input&) {},
           {{"url.full", "http://shop.example:50051/a/b?x=1"}, {"network.protocol.version", "2"}},
           "POST"},
          {":scheme of a proxy that ends TLS",
           true,
           [](Input& i) {
             i.exchange.scheme = "https";
             i.exchange.host = "shop.example";
           },
           {{"url.scheme", "https"}, {"server.port", "443i"}},
           "POST"},
          {"a :scheme that is none",
           true,
           [](Input& i) { i.exchange.scheme = "://"; },
           {{"url.scheme", "http"}},
           "POST"},
          {"a path that HPACK's holes hide, server",
           true,
           [](Input& i) {
             i.exchange.target = {};
             i.exchange.incomplete = protocol::kIncompleteHpack;
           },
           {{"url.path", ""}, {"url.query", ""}, {"wirespan.incomplete", "hpack"}},
           "POST"},
          {"a path that HPACK's holes hide, client",
           false,
           [](Input& i) { i.exchange.target = {}; },
           {{"url.full", ""}, {"server.address", "shop.example"}},
           "POST"},
          {"a method that HPACK's holes hide",
           true,
           [](Input& i) { i.exchange.method = {}; },
           {{"http.request.method", "_OTHER"}, {"http.request.method_original", ""}},
           "HTTP"},
          {"CONNECT has no path",
           false,
           [](Input& i) {
             i.exchange.method = "CONNECT";
             i.exchange.target = {};
             i.exchange.host = "db.example:5432";
           },
           {{"url.full", "db.example:5432"}, {"server.address", "db.example"}},
           "CONNECT"},
          {"a WebSocket's CONNECT has one",
           true,
           [](Input& i) {
             i.exchange.method = "CONNECT";
             i.exchange.target = "/chat";
           },
           {{"url.path", "/chat"}},
           "CONNECT"},
      },
      Http2);
}

TEST(RpcAttributesTest, ResetsAreErrorsOfBothEndsButForTheClientsOwnWish) {
  struct Expected {
    Reset reset;
    std::uint32_t code;
    Outcome outcome;
    const char* error;
    const char* by;
    const char* name;
  };
  for (const Expected& e : {
           Expected{Reset::kClient, 8, Outcome::kNoResponse, "", "client", "CANCEL"},
           Expected{Reset::kClient, 8, Outcome::kResponseAborted, "", "client", "CANCEL"},
           Expected{Reset::kClient, 0, Outcome::kNoResponse, "", "client", "NO_ERROR"},
           Expected{Reset::kClient, 1, Outcome::kNoResponse, "PROTOCOL_ERROR", "client",
                    "PROTOCOL_ERROR"},
           Expected{Reset::kClient, 99, Outcome::kNoResponse, "_OTHER", "client", "_OTHER"},
           Expected{Reset::kServer, 7, Outcome::kNoResponse, "REFUSED_STREAM", "server",
                    "REFUSED_STREAM"},
           Expected{Reset::kServer, 8, Outcome::kResponseAborted, "CANCEL", "server", "CANCEL"},
           Expected{Reset::kServer, 0, Outcome::kResponseAborted, "response_aborted", "server",
                    "NO_ERROR"},
           Expected{Reset::kServer, 0, Outcome::kComplete, "", "", ""},
           Expected{Reset::kGoaway, 0, Outcome::kNoResponse, "goaway", "goaway", "NO_ERROR"},
           Expected{Reset::kGoaway, 11, Outcome::kNoResponse, "ENHANCE_YOUR_CALM", "goaway",
                    "ENHANCE_YOUR_CALM"},
           Expected{Reset::kNone, 0, Outcome::kNoResponse, "no_response", "", ""},
       }) {
    for (const bool server : {true, false}) {
      SCOPED_TRACE(std::string(e.by) + " " + e.name + (server ? " server" : " client"));
      Input input = Http2(server);
      input.exchange.reset = e.reset;
      input.exchange.reset_code = e.code;
      input.exchange.outcome = e.outcome;
      if (e.outcome == Outcome::kNoResponse) input.exchange.status = 0;
      Output out = Describe(input);
      EXPECT_EQ(out.attributes["error.type"], e.error);
      EXPECT_EQ(out.attributes["wirespan.reset.by"], e.by);
      EXPECT_EQ(out.attributes["wirespan.reset.code"], e.name);
      EXPECT_EQ(out.status, e.error[0] == '\0' ? Status::kUnset : Status::kError);
    }
  }
}

TEST(RpcAttributesTest, MethodsAreTakenFromPathsThatNameOne) {
  EXPECT_EQ(RpcMethodOf("/a.B/C"), "a.B/C");
  EXPECT_EQ(RpcMethodOf("/B/C"), "B/C");
  for (const char* path : {"", "/", "//", "/a", "/a/", "//c", "a.B/C", "/a.B/C?x", "/a.B/C d",
                           "/a.B/C\x01", "/a.B/\xc3\xa4", "*"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(RpcMethodOf(path), "");
  }
}

TEST(RpcAttributesTest, NothingFromTheWireBreaksThem) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const bool server : {false, true}) {
      Input input = Call(server);
      const std::string bad =
          std::string(1, static_cast<char>(byte)) + "x" + std::string(2, static_cast<char>(byte));
      input.exchange.target = input.exchange.host = input.exchange.scheme = bad;
      input.exchange.rpc->message = bad;
      input.exchange.rpc->status = byte - 100;
      input.exchange.reset_code = static_cast<std::uint32_t>(byte);
      EXPECT_FALSE(Describe(input).attributes.empty());
    }
  }
}

}  // namespace
}  // namespace wirespan::span
