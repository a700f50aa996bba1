#include "common/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/base/strings.h"
#include "common/telemetry/process_metrics.h"

namespace wirespan::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricsTest, WritesCountersAndGauges) {
  Registry registry;
  registry.counter("b_total", "Bees.", {{"reason", "x"}}).Add(3);
  registry.counter("b_total", "Ignored.", {{"reason", "a"}}).Add();
  registry.gauge("a_bytes", "Bytes.").Set(1.5);
  EXPECT_EQ(registry.Text(),
            "# HELP a_bytes Bytes.\n# TYPE a_bytes gauge\na_bytes 1.5\n"
            "# HELP b_total Bees.\n# TYPE b_total counter\n"
            "b_total{reason=\"a\"} 1\nb_total{reason=\"x\"} 3\n");
}

TEST(MetricsTest, TheSameLabelsInAnyOrderAreTheSameSeries) {
  Registry registry;
  Counter& one = registry.counter("x_total", "", {{"a", "1"}, {"b", "2"}});
  Counter& two = registry.counter("x_total", "", {{"b", "2"}, {"a", "1"}});
  EXPECT_EQ(&one, &two);
  one.Add(7);
  EXPECT_EQ(registry.Value("x_total", {{"b", "2"}, {"a", "1"}}), 7);
  EXPECT_EQ(registry.Value("x_total"), 0);
}

TEST(MetricsTest, EscapesLabelsAndHelp) {
  Registry registry;
  registry.counter("x_total", "a \\ b\nc \"d\"", {{"bad-name", "q\"b\\n\nl\xff"}}).Add();
  EXPECT_EQ(registry.Text(),
            "# HELP x_total a \\\\ b\\nc \"d\"\n# TYPE x_total counter\n"
            "x_total{bad_name=\"q\\\"b\\\\n\\nl\xEF\xBF\xBD\"} 1\n");
}

TEST(MetricsTest, AScopedCollectorIsAskedAsLongAsItsHandleLives) {
  Registry registry;
  auto handle = registry.AddScopedCollector(
      "g", "Held.", false, [](std::vector<Sample>& out) { out.push_back({.value = 4}); });
  const auto other = registry.AddScopedCollector(
      "h", "Kept.", false, [](std::vector<Sample>& out) { out.push_back({.value = 5}); });
  EXPECT_EQ(registry.Value("g"), 4);
  handle.reset();
  EXPECT_EQ(registry.Value("g"), 0);
  EXPECT_EQ(registry.Text(), "# HELP h Kept.\n# TYPE h gauge\nh 5\n");
}

TEST(MetricsTest, AHandleWaitsForTheScrapeThatAsks) {
  Registry registry;
  auto value = std::make_unique<int>(1);
  auto handle = registry.AddScopedCollector("g", "", false, [&](std::vector<Sample>& out) {
    out.push_back({.value = static_cast<double>(*value)});
  });
  std::jthread scraper([&](std::stop_token stop) {
    while (!stop.stop_requested()) static_cast<void>(registry.Text());
  });
  handle.reset();
  value.reset();  // AddressSanitizer would see a reader
  EXPECT_EQ(registry.Value("g"), 0);
}

TEST(MetricsTest, WritesHistogramsCumulatively) {
  Registry registry;
  Histogram& histogram = registry.histogram("d_seconds", "Durations.", {1, 0.5, 1}, {{"k", "v"}});
  for (const double value : {0.1, 0.5, 0.7, 5.0}) histogram.Observe(value);
  EXPECT_THAT(registry.Text(), HasSubstr("d_seconds_bucket{k=\"v\",le=\"0.5\"} 2\n"
                                         "d_seconds_bucket{k=\"v\",le=\"1\"} 3\n"
                                         "d_seconds_bucket{k=\"v\",le=\"+Inf\"} 4\n"
                                         "d_seconds_sum{k=\"v\"} 6.3\n"
                                         "d_seconds_count{k=\"v\"} 4\n"));
  histogram.Observe(std::nan(""));
  EXPECT_EQ(histogram.snapshot().count, 5u);
  EXPECT_DOUBLE_EQ(histogram.snapshot().sum, 6.3);
}

TEST(MetricsTest, WritesNumbersThatAreNone) {
  Registry registry;
  registry.gauge("a", "").Set(std::nan(""));
  registry.gauge("b", "").Set(-INFINITY);
  EXPECT_THAT(registry.Text(), HasSubstr("a NaN\n"));
  EXPECT_THAT(registry.Text(), HasSubstr("b -Inf\n"));
}

TEST(MetricsTest, AnotherKindOfTheSameNameIsKeptOutOfTheText) {
  Registry registry;
  registry.counter("x_total", "C.").Add(2);
  registry.gauge("x_total", "G.").Set(9);
  EXPECT_EQ(registry.Text(), "# HELP x_total C.\n# TYPE x_total counter\nx_total 2\n");
}

TEST(MetricsTest, CollectorsAreAskedAtEachScrapeAndAddToInstruments) {
  Registry registry;
  double value = 1;
  registry.AddCollector("c_total", "Collected.", true, [&](std::vector<Sample>& out) {
    out.push_back({.labels = {{"k", "a"}}, .value = value});
    out.push_back({.labels = {{"k", "a"}}, .value = 1});
    // A collector may use the registry.
    registry.counter("scrapes_total", "Scrapes.").Add();
  });
  registry.counter("c_total", "Collected.", {{"k", "a"}}).Add(10);
  EXPECT_THAT(registry.Text(), HasSubstr("c_total{k=\"a\"} 12\n"));
  value = 5;
  EXPECT_THAT(registry.Text(), HasSubstr("c_total{k=\"a\"} 16\n"));
  EXPECT_EQ(registry.Value("c_total", {{"k", "a"}}), 16);
}

TEST(MetricsTest, AFamilyIsBounded) {
  Registry registry;
  for (int i = 0; i < 11'000; ++i)
    registry.counter("x_total", "", {{"id", std::to_string(i)}}).Add();
  EXPECT_EQ(registry.Value("x_total", {{"overflow", "true"}}), 1000);
}

TEST(MetricsTest, ThreadsCountAndScrapeAtOnce) {
  Registry registry;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i) {
          registry.counter("x_total", "", {{"t", std::to_string(t % 2)}}).Add();
          registry.histogram("h", "", {1, 2}).Observe(i % 3);
          registry.gauge("g", "").Set(i);
          if (i % 100 == 0) static_cast<void>(registry.Text());
        }
      });
    }
  }
  EXPECT_EQ(registry.Value("x_total", {{"t", "0"}}) + registry.Value("x_total", {{"t", "1"}}),
            2000);
  EXPECT_EQ(registry.histogram("h", "", {}).snapshot().count, 2000u);
}

TEST(ProcessMetricsTest, DescribesThisProcess) {
  Registry registry;
  RegisterProcessMetrics(registry);
  RegisterBuildInfo(registry, "wirespan-agent", "0.1.0", "abc");
  EXPECT_GT(registry.Value("process_resident_memory_bytes"), 1e6);
  EXPECT_GE(registry.Value("process_open_fds"), 3);
  EXPECT_GE(registry.Value("process_threads"), 1);
  EXPECT_GT(registry.Value("process_start_time_seconds"), 1.5e9);
  EXPECT_THAT(registry.Text(), HasSubstr("wirespan_build_info{program=\"wirespan-agent\",revision="
                                         "\"abc\",version=\"0.1.0\"} 1\n"));
}

TEST(ProcessMetricsTest, ReadsNamesWithSpacesAndParentheses) {
  char folder[] = "/tmp/wirespan-metrics-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::filesystem::path root(folder);
  std::filesystem::create_directories(root / "self/fd");
  std::ofstream(root / "self/stat")
      << "7 (a ) b) S 1 7 7 0 -1 0 0 0 0 0 150 50 0 0 20 0 3 0 1000 4096 2 0\n";
  std::ofstream(root / "stat") << "cpu 1 2\nbtime 1700000000\n";
  Registry registry;
  RegisterProcessMetrics(registry, root.string());
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_EQ(registry.Value("process_cpu_seconds_total"), 200 / ticks);
  EXPECT_EQ(registry.Value("process_threads"), 3);
  EXPECT_EQ(registry.Value("process_start_time_seconds"), 1700000000 + 1000 / ticks);
  std::filesystem::remove_all(root);
  EXPECT_THAT(registry.Text(), Not(HasSubstr("process_threads")));
}

TEST(ExpositionTest, PromtoolFindsNothingWrong) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "promtool is not installed";
  Registry registry;
  RegisterProcessMetrics(registry);
  RegisterBuildInfo(registry, "wirespan-agent", "0.1.0", "abc");
  registry.counter("wirespan_dropped_total", "Dropped.", {{"reason", "a\"b\\c\nd"}}).Add();
  registry.histogram("wirespan_export_duration_seconds", "Export.", {0.1, 1}).Observe(0.2);
  registry.gauge("wirespan_ring_fill_ratio", "Fill.").Set(std::nan(""));
  std::FILE* promtool = ::popen("promtool check metrics 2>&1", "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = registry.Text();
  std::fwrite(text.data(), 1, text.size(), promtool);
  EXPECT_EQ(::pclose(promtool), 0) << text;
}

}  // namespace
}  // namespace wirespan::telemetry
