#include <gtest/gtest.h>

#include "agent/app/control.h"
#include "agent/app/printable.h"
#include "agent/app/watch_filter.h"
#include "agent/app/watch_hub.h"
#include "agent/app/watch_line.h"
#include "agent/app/watch_table.h"

namespace wirespan::app {
namespace {

span::Span ServerSpan() {
  auto resource = std::make_shared<span::Resource>();
  resource->service_name = "shop";
  resource->pid = 42;
  resource->attributes = {{"process.executable.name", std::string("nginx")}};
  span::Span span;
  span.trace_id[0] = 0xab;
  span.span_id[7] = 0x01;
  span.start_ns = 1'700'000'000'000'000'000;
  span.end_ns = span.start_ns + 2'500'000;
  span.resource = resource;
  span.attributes = {{"http.request.method", std::string("GET")},
                     {"url.path", std::string("/cart")},
                     {"url.query", std::string("id=7")},
                     {"http.response.status_code", std::int64_t{503}},
                     {"server.address", std::string("shop.example")},
                     {"server.port", std::int64_t{8080}}};
  return span;
}

TEST(WatchLineTest, SurvivesTheWayThroughJson) {
  const auto line = ToWatchLine(ServerSpan());
  const auto back = FromJson(ToJson(line));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->path, "/cart?id=7");
  EXPECT_EQ(back->host, "shop.example:8080");
  EXPECT_EQ(back->service, "shop");
  EXPECT_EQ(back->process, "nginx");
  EXPECT_EQ(back->status, 503);
  EXPECT_EQ(back->duration_ns, 2'500'000u);
  EXPECT_EQ(back->trace_id.size(), 32u);
  EXPECT_FALSE(back->request_bytes.has_value());
}

TEST(WatchLineTest, RefusesWhatIsNotALine) {
  EXPECT_FALSE(FromJson("[]"));
  EXPECT_FALSE(FromJson("{\"status\":\"x\"}"));
  EXPECT_FALSE(FromJson("{\"start_unix_ns\":1.7e62}"));
  EXPECT_FALSE(FromJson("{\"pid\":-1.0}"));
  EXPECT_FALSE(FromJson("{\"pid\":17000000000000000000000000}"))
      << "beyond 64 bits: a float to parsers";
  EXPECT_FALSE(FromJson("\xff\xfe"));
}

TEST(WatchLineTest, TakesPathsThatAreNotUtf8) {
  auto line = ToWatchLine(ServerSpan());
  line.path = "/\xff";
  EXPECT_TRUE(FromJson(ToJson(line)).has_value());
}

TEST(WatchFilterTest, EachConditionMustAgree) {
  const auto line = ToWatchLine(ServerSpan());
  const auto with = [&](auto set) {
    WatchFilter filter;
    set(filter);
    const auto matcher = WatchMatcher::Compile(filter);
    EXPECT_TRUE(matcher);
    return matcher && matcher->Matches(line);
  };
  EXPECT_TRUE(with([](WatchFilter&) {}));
  EXPECT_TRUE(with([](WatchFilter& f) { f.ports = {8080}; }));
  EXPECT_FALSE(with([](WatchFilter& f) { f.ports = {80}; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.process = "ngi*"; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.process = "42"; }));
  EXPECT_FALSE(with([](WatchFilter& f) { f.process = "apache*"; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.path = "/cart*"; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.status = "5xx"; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.status = "500-599"; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.status = "error"; }));
  EXPECT_FALSE(with([](WatchFilter& f) { f.status = "200"; }));
  EXPECT_TRUE(with([](WatchFilter& f) { f.slower_than_ms = 2; }));
  EXPECT_FALSE(with([](WatchFilter& f) { f.slower_than_ms = 3; }));
  EXPECT_FALSE(with([](WatchFilter& f) { f.side = "client"; }));
}

TEST(WatchFilterTest, SaysWhichOptionIsWrong) {
  WatchFilter filter;
  filter.status = "6yy";
  const auto checked = WatchMatcher::Compile(filter);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "--status '6yy' is none of 404, 5xx, 400-499, error, or of gRPC's NOT_FOUND, 5, 1-16");
}

span::Span CallSpan(const char* status, bool error) {
  span::Span span = ServerSpan();
  span.kind = span::Kind::kClient;
  span.attributes = {{"rpc.system.name", std::string("grpc")},
                     {"rpc.method", std::string("shop.v1.Cart/Add")},
                     {"rpc.response.status_code", std::string(status)},
                     {"server.address", std::string("shop.example")},
                     {"server.port", std::int64_t{50051}},
                     {"wirespan.rpc.request.messages", std::int64_t{1}},
                     {"wirespan.rpc.request.size", std::int64_t{100}},
                     {"wirespan.rpc.response.messages", std::int64_t{3}},
                     {"wirespan.rpc.response.size", std::int64_t{60}},
                     {"wirespan.inferred", std::string("status")}};
  if (error) span.attributes.push_back({"error.type", std::string(status)});
  return span;
}

TEST(WatchLineTest, TellsACallAsOne) {
  const auto back = FromJson(ToJson(ToWatchLine(CallSpan("NOT_FOUND", true))));
  ASSERT_TRUE(back.has_value());
  EXPECT_TRUE(back->rpc);
  EXPECT_EQ(back->method, "gRPC");
  EXPECT_EQ(back->path, "/shop.v1.Cart/Add");
  EXPECT_EQ(back->rpc_method, "shop.v1.Cart/Add");
  EXPECT_EQ(back->rpc_status, 5);
  EXPECT_EQ(back->host, "shop.example:50051");
  EXPECT_EQ(back->request_messages, 1);
  EXPECT_EQ(back->response_messages, 3);
  EXPECT_EQ(back->request_bytes, 100);
  EXPECT_EQ(back->response_bytes, 60);
  EXPECT_EQ(back->inferred, "status");
  EXPECT_EQ(back->error, "NOT_FOUND");
  EXPECT_NE(ToJson(*back).find("\"rpc_status_name\":\"NOT_FOUND\""), std::string::npos);
  EXPECT_EQ(ToJson(ToWatchLine(ServerSpan())).find("rpc"), std::string::npos);
}

TEST(WatchLineTest, TellsACallWhoseMethodIsNotKnown) {
  span::Span span = CallSpan("OK", false);
  span.attributes = {{"rpc.system.name", std::string("grpc")},
                     {"rpc.method", std::string("_OTHER")}};
  EXPECT_EQ(ToWatchLine(span).path, "");
  EXPECT_EQ(ToWatchLine(span).rpc_status, std::nullopt);
  span.attributes.push_back({"rpc.method_original", std::string("/healthz")});
  EXPECT_EQ(ToWatchLine(span).path, "/healthz");
}

TEST(WatchTableTest, ShowsACallsStatusByNumberAndName) {
  const auto row = TableRow(ToWatchLine(CallSpan("NOT_FOUND", true)), {});
  EXPECT_NE(row.find("     5 "), std::string::npos) << row;
  EXPECT_NE(row.find(" gRPC NOT_FOUND shop.example:50051/shop.v1.Cart/Add"), std::string::npos)
      << row;
}

TEST(WatchFilterTest, KnowsGrpcStatusesByNameAndNumber) {
  const auto matches = [](const char* status, const WatchLine& line) {
    WatchFilter filter;
    filter.status = status;
    const auto matcher = WatchMatcher::Compile(filter);
    EXPECT_TRUE(matcher) << status;
    return matcher && matcher->Matches(line);
  };
  const auto not_found = ToWatchLine(CallSpan("NOT_FOUND", true));
  const auto ok = ToWatchLine(CallSpan("OK", false));
  const auto http = ToWatchLine(ServerSpan());  // 503
  for (const char* status : {"NOT_FOUND", "not_found", "5", "1-16", "error"}) {
    EXPECT_TRUE(matches(status, not_found)) << status;
    EXPECT_FALSE(matches(status, ok)) << status;
  }
  for (const char* status : {"OK", "0", "0-16"}) EXPECT_TRUE(matches(status, ok)) << status;
  for (const char* status : {"404", "5xx", "100-599"}) {
    EXPECT_FALSE(matches(status, not_found)) << status;
  }
  for (const char* status : {"OK", "0-16", "UNAVAILABLE"}) {
    EXPECT_FALSE(matches(status, http)) << status;
  }
  for (const char* bad : {"17", "50", "16-100", "0-404", "NOT FOUND", "600", ""}) {
    WatchFilter filter;
    filter.status = bad;
    EXPECT_EQ(WatchMatcher::Compile(filter).has_value(), bad[0] == '\0') << bad;
  }
}

TEST(WatchTableTest, KeepsControlCharactersFromTheTerminal) {
  auto line = ToWatchLine(ServerSpan());
  line.path = "/\033[2Jboo\n";
  const auto row = TableRow(line, {});
  EXPECT_EQ(row.find('\033'), std::string::npos);
  EXPECT_EQ(row.find('\n'), std::string::npos);
  EXPECT_NE(row.find("503"), std::string::npos);
  EXPECT_NE(row.find("2.5 ms"), std::string::npos);
}

TEST(WatchTableTest, CutsToTheTerminalButNotForAPipe) {
  auto line = ToWatchLine(ServerSpan());
  line.path = "/" + std::string(300, 'x');
  EXPECT_EQ(TableRow(line, {.width = 80}).size(), 80u);
  EXPECT_GT(TableRow(line, {}).size(), 300u);
}

TEST(WatchHubTest, DropsAWatcherThatIsGone) {
  telemetry::Registry registry;
  WatchHub hub(registry);
  int shown = 0;
  ASSERT_TRUE(hub.Subscribe(*WatchMatcher::Compile({}),
                            [&](const WatchLine&, const std::string&) { return ++shown < 2; }));
  for (int i = 0; i < 5; ++i) hub.Publish(ServerSpan());
  EXPECT_EQ(shown, 2);
}

TEST(WatchHubTest, RefusesMoreWatchersThanItsBound) {
  telemetry::Registry registry;
  WatchHub hub(registry);
  const auto nothing = [](const WatchLine&, const std::string&) { return true; };
  for (std::size_t i = 0; i < WatchHub::kMaxWatchers; ++i)
    EXPECT_TRUE(hub.Subscribe(*WatchMatcher::Compile({}), nothing));
  EXPECT_FALSE(hub.Subscribe(*WatchMatcher::Compile({}), nothing));
}

TEST(WatchHubTest, AWatcherThatLeftMakesRoomThoughNothingEverMatchedIt) {
  telemetry::Registry registry;
  WatchHub hub(registry);
  WatchFilter filter;
  filter.ports = {1};
  bool left = false;
  for (std::size_t i = 0; i < WatchHub::kMaxWatchers; ++i) {
    ASSERT_TRUE(hub.Subscribe(
        *WatchMatcher::Compile(filter), [](const WatchLine&, const std::string&) { return true; },
        [&] { return left; }));
  }
  const auto one_more = [&] {
    return hub.Subscribe(*WatchMatcher::Compile({}),
                         [](const WatchLine&, const std::string&) { return true; });
  };
  EXPECT_TRUE(hub.full());
  EXPECT_FALSE(one_more());
  left = true;
  EXPECT_TRUE(one_more());
  EXPECT_FALSE(hub.full());
}

TEST(PrintableTest, NothingSteersTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2J\r\n\x7f"), "a?[2J???");
  EXPECT_EQ(Printable("\xc2\x9b"), "?");  // C1: CSI in one code point
  EXPECT_EQ(Printable("\xe2\x80\xae"
                      "gpj.exe"),
            "?gpj.exe");  // right-to-left override
  EXPECT_EQ(Printable("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(Printable("/gr\xc3\xbc\xc3\x9f"), "/gr\xc3\xbc\xc3\x9f");
}

TEST(PrintableTest, CutsBetweenCodePoints) {
  EXPECT_EQ(CutTo("\xc3\xbc\xc3\xbc\xc3\xbc", 3), "\xc3\xbc\xc3\xbc\xc3\xbc");
  EXPECT_EQ(CutTo("\xc3\xbc\xc3\xbc\xc3\xbc", 2), "\xc3\xbc~");
  EXPECT_EQ(FillTo("\xc3\xbc", 3), "\xc3\xbc  ");
  EXPECT_EQ(CutTo("", 5), "");
}

TEST(WatchFilterTest, IsReadFromWhatAClientSends) {
  const auto back = FilterFromJson(FilterToJson({.ports = {80, 65535}, .slower_than_ms = 1.5}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ports, (std::vector<std::uint16_t>{80, 65535}));
  EXPECT_EQ(back->slower_than_ms, 1.5);
  for (const char* ports : {"[65536]", "[-1]", "[8.0]", "[1e40]", "80"})
    EXPECT_FALSE(FilterFromJson(std::string(R"({"ports":)") + ports + "}")) << ports;
}

}  // namespace
}  // namespace wirespan::app
