#include <gtest/gtest.h>

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
  EXPECT_EQ(checked.error().message, "--status '6yy' is none of 404, 5xx, 400-499, error");
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

}  // namespace
}  // namespace wirespan::app
