#include "gateway/extension/status_page.h"

namespace wirespan::gateway {

namespace {

using telemetry::Sample;
using Snapshots = std::vector<PipelineLedger::Snapshot>;

// A scrape asks for counters and then, on the same thread, for gauges: both are of this reading.
thread_local Snapshots reading;

void Counters(std::vector<Sample>& out) {
  for (const auto& pipeline : reading) {
    const auto flow = [&](const char* name, std::uint64_t items) {
      out.push_back({.name = "wirespan_pipeline_items_total",
                     .labels = {{"pipeline", pipeline.pipeline}, {"flow", name}},
                     .value = static_cast<double>(items)});
    };
    flow("entered", pipeline.entered);
    flow("passed", pipeline.passed);
    flow("accepted", pipeline.accepted);
    flow("turned_away", pipeline.turned_away);
    for (const auto& [key, items] : pipeline.dropped) {
      out.push_back({.name = "wirespan_pipeline_dropped_items_total",
                     .labels = {{"pipeline", pipeline.pipeline},
                                {"component", key.first},
                                {"reason", key.second}},
                     .value = static_cast<double>(items)});
    }
    for (const auto& lane : pipeline.exporters) {
      const auto result = [&](const char* name, std::uint64_t items) {
        out.push_back(
            {.name = "wirespan_pipeline_exporter_items_total",
             .labels = {{"pipeline", lane.pipeline}, {"exporter", lane.exporter}, {"flow", name}},
             .value = static_cast<double>(items)});
      };
      result("entered", lane.entered);
      result("refused", lane.refused);
      result("sent", lane.sent);
      result("rejected", lane.rejected);
      for (const auto& [reason, items] : lane.dropped) {
        out.push_back({.name = "wirespan_pipeline_exporter_dropped_items_total",
                       .labels = {{"pipeline", lane.pipeline},
                                  {"exporter", lane.exporter},
                                  {"reason", reason}},
                       .value = static_cast<double>(items)});
      }
    }
  }
}

void Gauges(std::vector<Sample>& out) {
  for (const auto& pipeline : reading) {
    out.push_back({.name = "wirespan_pipeline_held_items",
                   .labels = {{"pipeline", pipeline.pipeline}},
                   .value = static_cast<double>(pipeline.held)});
    for (const auto& lane : pipeline.exporters) {
      out.push_back({.name = "wirespan_pipeline_exporter_held_items",
                     .labels = {{"pipeline", lane.pipeline}, {"exporter", lane.exporter}},
                     .value = static_cast<double>(lane.held)});
    }
  }
}

}  // namespace

void RegisterLedger(telemetry::Registry& registry, const LedgerBook& book) {
  constexpr std::string_view kHelp = "Items of pipelines and of their ways through exporters";
  registry.AddCollector("wirespan_pipeline_items_total", kHelp, true,
                        [&book](std::vector<Sample>& out) {
                          reading = book.Snapshots();
                          Counters(out);
                        });
  registry.AddCollector("wirespan_pipeline_held_items",
                        "Items that are in a pipeline's processors or an exporter's queue", false,
                        [](std::vector<Sample>& out) {
                          Gauges(out);
                          reading.clear();
                        });
}

}  // namespace wirespan::gateway
