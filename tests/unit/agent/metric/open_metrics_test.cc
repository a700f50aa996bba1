#include "agent/metric/open_metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/span/attribute_names.h"

namespace wirespan::metric {
namespace {

constexpr std::uint64_t kUtc = 1'700'000'000'123'000'000;

Snapshot Sample(const std::string& method = "GET") {
  auto resource = std::make_shared<span::Resource>();
  resource->service_name = "shop";
  resource->attributes = {{"service.name", "shop"},
                          {"service.namespace", "eu"},
                          {"service.instance.id", "i-1"},
                          {"host.name", "node"},
                          {"1weird.key", std::int64_t{7}},
                          {"a.b", "x"},
                          {"a_b", "y"},
                          {"process.command_args", std::vector<std::string>{"p", "q"}}};
  HistogramPoint point;
  point.attributes = {{span::names::kHttpRequestMethod, method},
                      {span::names::kHttpResponseStatusCode, std::int64_t{200}}};
  point.count = 3;
  point.sum = 12.25;
  point.bucket_counts = {1, 1, 1};
  point.exemplars = {{0.2, kUtc, {0xab}, {0xcd}}};
  return {{resource, {{"http.server.request.duration", "s", "Duration.", {0.1, 1}, {point}}}}};
}

// promtool's verdict on the text; true where promtool is not installed.
::testing::AssertionResult Promtool(const std::string& arguments, const std::string& text) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) return ::testing::AssertionSuccess();
  std::string folder =
      (std::filesystem::temp_directory_path() / "wirespan-metrics-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return ::testing::AssertionFailure() << "mkdtemp";
  std::ofstream(folder + "/text") << text;
  const std::string command = "cd " + folder + " && promtool " + arguments + " >out 2>&1";
  const int status = std::system(command.c_str());
  std::ostringstream out;
  out << std::ifstream(folder + "/out").rdbuf();
  std::filesystem::remove_all(folder);
  if (status == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << out.str() << text;
}

// The same samples with times, which promtool needs to import them.
std::string WithTimes(const std::string& text) {
  std::istringstream in(text);
  std::string line, out;
  while (std::getline(in, line)) {
    if (!line.starts_with("#")) {
      const auto exemplar = line.find(" # {");
      line.insert(exemplar == std::string::npos ? line.size() : exemplar, " 1700000000");
    }
    out += line + "\n";
  }
  return out;
}

TEST(OpenMetricsTest, WritesExactlyThis) {
  EXPECT_EQ(RenderText(Sample(), TextFormat::kOpenMetrics),
            R"(# TYPE target info
# HELP target Target metadata
target_info{a_b="x;y",host_name="node",instance="i-1",job="eu/shop",key_1weird_key="7",process_command_args="p,q",service_name="shop"} 1
# HELP http_server_request_duration_seconds Duration.
# TYPE http_server_request_duration_seconds histogram
# UNIT http_server_request_duration_seconds seconds
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",instance="i-1",job="eu/shop",service_name="shop",le="0.1"} 1
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",instance="i-1",job="eu/shop",service_name="shop",le="1.0"} 2 # {trace_id="ab000000000000000000000000000000",span_id="cd00000000000000"} 0.2 1700000000.123
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",instance="i-1",job="eu/shop",service_name="shop",le="+Inf"} 3
http_server_request_duration_seconds_sum{http_request_method="GET",http_response_status_code="200",instance="i-1",job="eu/shop",service_name="shop"} 12.25
http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",instance="i-1",job="eu/shop",service_name="shop"} 3
# EOF
)");
}

TEST(OpenMetricsTest, PleasesPromtoolWhateverTheLabelsHold) {
  for (const std::string method : {"GET", "a\"b\\c\nd", "\xff\xfe", "{}", "# EOF", "", " "}) {
    SCOPED_TRACE(method);
    EXPECT_TRUE(
        Promtool("check metrics < text", RenderText(Sample(method), TextFormat::kPrometheus)));
    EXPECT_TRUE(Promtool("tsdb create-blocks-from openmetrics text data",
                         WithTimes(RenderText(Sample(method), TextFormat::kOpenMetrics))));
  }
}

TEST(OpenMetricsTest, AddsUpWhatTheTextCannotTellApart) {
  Snapshot twins = Sample();
  twins.push_back(Sample()[0]);
  const std::string text = RenderText(twins, TextFormat::kPrometheus);
  EXPECT_NE(
      text.find(
          "_count{http_request_method=\"GET\",http_response_status_code=\"200\",instance=\"i-1\","
          "job=\"eu/shop\",service_name=\"shop\"} 6\n"),
      std::string::npos)
      << text;
  EXPECT_EQ(text.find("target_info{"), text.rfind("target_info{"));
  EXPECT_EQ(text.find("# {"), std::string::npos);
}

TEST(OpenMetricsTest, IsValidWhenEmpty) {
  EXPECT_EQ(RenderText({}, TextFormat::kOpenMetrics), "# EOF\n");
  EXPECT_EQ(RenderText({}, TextFormat::kPrometheus), "");
}

TEST(OpenMetricsTest, FollowsTheAcceptHeader) {
  EXPECT_EQ(FormatFor("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            TextFormat::kOpenMetrics);
  EXPECT_EQ(FormatFor("text/plain"), TextFormat::kPrometheus);
  EXPECT_EQ(FormatFor(""), TextFormat::kPrometheus);
}

}  // namespace
}  // namespace wirespan::metric
