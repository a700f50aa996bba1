#include "tests/integration/gateway/ledger.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>

namespace wirespan::gateway::testing {

Scrape ParseMetrics(const std::string& text) {
  Scrape scrape;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.rfind(' ');
    if (line.empty() || line[0] == '#' || blank == std::string::npos) continue;
    scrape[line.substr(0, blank)] = std::strtod(line.c_str() + blank + 1, nullptr);
  }
  return scrape;
}

double Sum(const Scrape& scrape, const std::string& name,
           const std::initializer_list<std::string>& labels) {
  double sum = 0;
  for (const auto& [series, value] : scrape) {
    if (series != name && !series.starts_with(name + "{")) continue;
    bool all = true;
    for (const std::string& label : labels) all = all && series.find(label) != std::string::npos;
    if (all) sum += value;
  }
  return sum;
}

namespace {

// `key="..."` of every series of a family.
std::set<std::string> Labels(const Scrape& scrape, const std::string& name,
                             const std::string& key) {
  std::set<std::string> found;
  for (const auto& [series, value] : scrape) {
    if (!series.starts_with(name + "{")) continue;
    const std::size_t at = series.find(key + "=\"");
    if (at == std::string::npos) continue;
    found.insert(series.substr(at, series.find('"', at + key.size() + 2) + 1 - at));
  }
  return found;
}

}  // namespace

void ExpectLedgerCloses(const Scrape& scrape, bool at_rest) {
  const auto pipelines = Labels(scrape, "wirespan_pipeline_items_total", "pipeline");
  EXPECT_FALSE(pipelines.empty());
  for (const std::string& pipeline : pipelines) {
    SCOPED_TRACE(pipeline);
    const auto flow = [&](const char* what) {
      return Sum(scrape, "wirespan_pipeline_items_total",
                 {pipeline, std::string("flow=\"") + what + "\""});
    };
    const double held = Sum(scrape, "wirespan_pipeline_held_items", {pipeline});
    EXPECT_EQ(flow("entered"), Sum(scrape, "wirespan_pipeline_dropped_items_total", {pipeline}) +
                                   held + flow("passed"));
    EXPECT_LT(held, 1e9) << "the sum went below zero";
    if (at_rest) {
      EXPECT_EQ(held, 0) << "a processor lost something, or holds it";
    }
  }
  const std::string family = "wirespan_pipeline_exporter_items_total";
  for (const std::string& exporter : Labels(scrape, family, "exporter")) {
    double held_by_lanes = 0;
    for (const std::string& pipeline : pipelines) {
      SCOPED_TRACE(pipeline + " " + exporter);
      const auto flow = [&](const char* what) {
        return Sum(scrape, family, {pipeline, exporter, std::string("flow=\"") + what + "\""});
      };
      const double held =
          Sum(scrape, "wirespan_pipeline_exporter_held_items", {pipeline, exporter});
      const double dropped =
          Sum(scrape, "wirespan_pipeline_exporter_dropped_items_total", {pipeline, exporter});
      EXPECT_EQ(flow("entered"),
                flow("refused") + flow("sent") + flow("rejected") + dropped + held);
      EXPECT_LT(held, 1e9) << "the sum went below zero";
      held_by_lanes += held;
    }
    // Whoever sent it counts too: the Collector's names say the same as the ledger.
    if (!at_rest) continue;
    double sent = 0;
    for (const char* items : {"spans", "metric_points", "log_records"}) {
      sent += Sum(scrape, std::string("otelcol_exporter_sent_") + items + "_total", {exporter});
    }
    EXPECT_EQ(sent, Sum(scrape, family, {exporter, "flow=\"sent\""})) << exporter;
  }
}

}  // namespace wirespan::gateway::testing
