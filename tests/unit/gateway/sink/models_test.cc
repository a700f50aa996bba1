// Jaeger's and Zipkin's models of the same spans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "common/otlp/walk.h"
#include "common/otlp/wire.h"
#include "common/otlp/zipkin.h"
#include "gateway/sink/jaeger_model.h"
#include "gateway/sink/span_view.h"
#include "gateway/sink/value_text.h"
#include "gateway/sink/zipkin_model.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway {
namespace {

using otlp::AppendBytesField;
using otlp::AppendDoubleField;
using otlp::AppendFixed64Field;
using otlp::AppendVarintField;
using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using testing::Attribute;
using ::testing::HasSubstr;
using testing::Nest;
using testing::Wrap;

std::string Text(std::string_view text) { return Nest(1, text); }
std::string Int(std::uint64_t value) {
  std::string out;
  AppendVarintField(out, 3, value);
  return out;
}

// A client's span with one of everything.
std::string RichSpan() {
  std::string more = Nest(4, std::string(8, '\x3c'));
  more += Nest(9, Attribute("http.request.method", Text("GET")));
  more += Nest(9, Attribute("server.port", Int(8080)));
  std::string real;
  AppendDoubleField(real, 4, 0.5);
  more += Nest(9, Attribute("ratio", real));
  std::string flag;
  AppendVarintField(flag, 2, 1);
  more += Nest(9, Attribute("cached", flag));
  more += Nest(9, Attribute("list", Nest(5, Nest(1, Text("a")) + Nest(1, Int(2)))));
  more += Nest(9, Attribute("peer.service", Text("db")));
  std::string event;
  AppendFixed64Field(event, 1, 1700000000000000050);
  event += Nest(2, "retry") + Nest(3, Attribute("n", Int(1)));
  more += Nest(11, event);
  more += Nest(13, Nest(1, std::string(16, '\x4d')) + Nest(2, std::string(8, '\x5e')));
  std::string status = Nest(2, "no answer");
  AppendVarintField(status, 3, 2);
  more += Nest(15, status);
  std::string span =
      Nest(1, std::string(16, '\x1a')) + Nest(2, std::string(8, '\x2b')) + Nest(5, "SELECT");
  AppendVarintField(span, 6, 3);
  AppendFixed64Field(span, 7, 1700000000000000000);
  AppendFixed64Field(span, 8, 1700000002500000000);
  return span + more;
}

// The fields of a message by number, in order.
std::multimap<std::uint32_t, Field> Fields(std::string_view message) {
  std::multimap<std::uint32_t, Field> fields;
  Reader reader(message);
  for (Field field; reader.Next(field);) fields.emplace(field.number, field);
  EXPECT_TRUE(reader.ok());
  return fields;
}
std::string_view Only(std::string_view message, std::uint32_t number) {
  const auto fields = Fields(message);
  EXPECT_EQ(fields.count(number), 1u) << number;
  const auto found = fields.find(number);
  return found == fields.end() ? std::string_view{} : found->second.bytes;
}

TEST(JaegerModelTest, HasEverythingThatASpanHas) {
  const std::string request = JaegerRequest(Wrap(Nest(2, RichSpan())));
  const std::string_view batch = Only(request, 1);
  EXPECT_EQ(Only(Only(batch, 2), 1), "shop");
  const std::string_view span = Only(batch, 1);
  EXPECT_EQ(Only(span, 1), std::string(16, '\x1a'));
  EXPECT_EQ(Only(span, 2), std::string(8, '\x2b'));
  EXPECT_EQ(Only(span, 3), "SELECT");
  const auto start = Fields(Only(span, 6));
  EXPECT_EQ(start.find(1)->second.value, 1700000000u);
  const auto took = Fields(Only(span, 7));
  EXPECT_EQ(took.find(1)->second.value, 2u);
  EXPECT_EQ(took.find(2)->second.value, 500000000u);

  std::vector<std::string_view> references;
  std::map<std::string, Field> tags;  // by key: the value's field
  for (const auto& [number, field] : Fields(span)) {
    if (number == 4) references.push_back(field.bytes);
    if (number != 8) continue;
    auto parts = Fields(field.bytes);
    const std::uint32_t type =
        parts.count(2) > 0 ? static_cast<std::uint32_t>(parts.find(2)->second.value) : 0;
    ASSERT_EQ(parts.count(3 + type), 1u) << "the value's place is its type's";
    tags[std::string(parts.find(1)->second.bytes)] = parts.find(3 + type)->second;
  }
  ASSERT_EQ(references.size(), 2u);
  EXPECT_EQ(Only(references[0], 2), std::string(8, '\x3c'));
  EXPECT_EQ(Only(references[1], 1), std::string(16, '\x4d'));
  EXPECT_EQ(Fields(references[1]).find(3)->second.value, 1u);
  EXPECT_EQ(tags["span.kind"].bytes, "client");
  EXPECT_EQ(tags["http.request.method"].bytes, "GET");
  EXPECT_EQ(tags["server.port"].value, 8080u);
  EXPECT_EQ(tags["ratio"].AsDouble(), 0.5);
  EXPECT_EQ(tags["cached"].value, 1u);
  EXPECT_EQ(tags["list"].bytes, R"(["a",2])");
  EXPECT_EQ(tags["error"].value, 1u);
  EXPECT_EQ(tags["otel.status_code"].bytes, "ERROR");
  EXPECT_EQ(tags["otel.status_description"].bytes, "no answer");
  EXPECT_THAT(std::string(Only(span, 9)), HasSubstr("retry"));
}

TEST(JaegerModelTest, SpansOfSeveralResourcesCarryTheirOwnProcess) {
  const std::string request = JaegerRequest(testing::Spans(1) + Wrap(Nest(2, RichSpan()), "cart"));
  const auto batch = Fields(Only(request, 1));
  std::vector<std::string> services;
  for (auto [at, end] = batch.equal_range(1); at != end; ++at) {
    services.emplace_back(Only(Only(at->second.bytes, 10), 1));
  }
  EXPECT_EQ(services, (std::vector<std::string>{"shop", "cart"}));
}

TEST(ZipkinModelTest, WritesWhatZipkinReads) {
  EXPECT_EQ(
      ZipkinJson(Wrap(Nest(2, RichSpan()))),
      R"([{"traceId":"1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a","id":"2b2b2b2b2b2b2b2b","parentId":"3c3c3c3c3c3c3c3c",)"
      R"("name":"SELECT","kind":"CLIENT","timestamp":1700000000000000,"duration":2500000,)"
      R"("localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"db","port":8080},)"
      R"("annotations":[{"timestamp":1700000000000000,"value":"\"retry\": {\"n\":\"1\"}"}],)"
      R"("tags":{"http.request.method":"GET","server.port":"8080","ratio":"0.5","cached":"true",)"
      R"("list":"[\"a\",2]","peer.service":"db","otel.status_code":"ERROR","error":"no answer"}}])");
}

TEST(ZipkinModelTest, ComesBackAsTheSameSpan) {
  const auto back = otlp::RequestFromZipkin(ZipkinJson(Wrap(Nest(2, RichSpan()))));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(otlp::Walk(otlp::Signal::kTraces, *back, otlp::WalkDepth::kAll).ok);
  std::size_t spans = 0;
  ForEachSpan(*back, [&](const ResourceView& resource, const ScopeView&, const SpanView& span) {
    ++spans;
    EXPECT_EQ(ServiceName(resource), "shop");
    EXPECT_EQ(span.trace_id, std::string(16, '\x1a'));
    EXPECT_EQ(span.parent_id, std::string(8, '\x3c'));
    EXPECT_EQ(span.name, "SELECT");
    EXPECT_EQ(span.kind, 3u);
    EXPECT_EQ(span.start_ns, 1700000000000000000u);
    EXPECT_EQ(span.end_ns, 1700000002500000000u);
    EXPECT_EQ(span.status, 2u);
    EXPECT_EQ(span.status_message, "no answer");
    EXPECT_EQ(span.events.size(), 1u);
    EXPECT_EQ(ValueText(span.attributes[0].value), "GET");
  });
  EXPECT_EQ(spans, 1u);
}

TEST(ZipkinReaderTest, ReadsZipkinsOwnExample) {
  const auto request = otlp::RequestFromZipkin(R"([{
    "id": "352bff9a74ca9ad2", "traceId": "5af7183fb1d4cf5f", "parentId": "6b221d5bc9e6496c",
    "name": "get /api", "timestamp": 1556604172355737, "duration": 1431, "kind": "SERVER",
    "localEndpoint": {"serviceName": "backend", "ipv4": "192.168.99.1", "port": 3306},
    "remoteEndpoint": {"ipv4": "172.19.0.2", "port": 58648}, "shared": true, "debug": false,
    "annotations": [{"timestamp": 1556604172355800, "value": "foo"}],
    "tags": {"http.method": "GET", "http.path": "/api"}}])");
  ASSERT_TRUE(request) << request.error().message;
  ForEachSpan(*request, [&](const ResourceView& resource, const ScopeView&, const SpanView& span) {
    EXPECT_EQ(ServiceName(resource), "backend");
    EXPECT_EQ(ToHex(span.trace_id), "00000000000000005af7183fb1d4cf5f");
    EXPECT_EQ(ToHex(span.span_id), "352bff9a74ca9ad2");
    EXPECT_EQ(span.kind, 2u);
    EXPECT_EQ(span.end_ns - span.start_ns, 1431000u);
    EXPECT_EQ(span.events[0].name, "foo");
  });
}

TEST(ZipkinReaderTest, RefusesWhatIsNoArrayOfSpans) {
  for (const char* text : {"", "{}", "[", "[1]", "[{]", R"([{"id": 1}])", R"([{"timestamp": -1}])",
                           R"([{"timestamp": 1.5}])", "[{}] x", R"([{"tags": []}])"}) {
    EXPECT_FALSE(otlp::RequestFromZipkin(text)) << text;
  }
  EXPECT_TRUE(otlp::RequestFromZipkin("[]"));
  std::string deep(100000, '[');
  EXPECT_FALSE(otlp::RequestFromZipkin("[{\"x\":" + deep));
}

}  // namespace
}  // namespace wirespan::gateway
