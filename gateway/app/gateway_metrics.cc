#include "gateway/app/gateway_metrics.h"

#include <algorithm>

#include "common/base/version.h"

namespace wirespan::gateway {

using telemetry::Sample;

void RegisterBudget(telemetry::Registry& registry, const std::shared_ptr<MemoryBudget>& budget) {
  const auto add = [&](std::string name, std::string_view help, auto value) {
    registry.AddCollector(name, help, false, [name, value, budget](std::vector<Sample>& out) {
      out.push_back({.name = name, .value = value(*budget)});
    });
  };
  add("wirespan_gateway_held_bytes", "Bytes of requests from the door to the last exporter",
      [](const MemoryBudget& b) { return static_cast<double>(b.used_bytes()); });
  add("wirespan_gateway_held_limit_bytes", "Their bound; beyond it requests are told to come again",
      [](const MemoryBudget& b) { return static_cast<double>(b.limit_bytes()); });
}

void RegisterComponents(telemetry::Registry& registry, const StatusBoard& board) {
  registry.AddCollector(
      "wirespan_component_state", "1 for the state that a component is in", false,
      [&board](std::vector<Sample>& out) {
        for (const auto& component : board.Components()) {
          out.push_back({.labels = {{"kind", component.kind},
                                    {"id", component.id},
                                    {"part", component.part},
                                    {"state", std::string(StateName(component.state))}},
                         .value = 1});
        }
      });
}

void RegisterConfig(telemetry::Registry& registry, const GatewayState& state) {
  registry.AddCollector(
      "wirespan_gateway_config_info", "The configuration in force, by its hash", false,
      [&state](std::vector<Sample>& out) {
        out.push_back({.labels = {{"hash", state.facts().config_hash}}, .value = 1});
      });
  registry.AddCollector("target_info", "The gateway as a resource", false,
                        [&state](std::vector<Sample>& out) {
                          telemetry::Labels labels = {{"service_name", "wirespan-gateway"},
                                                      {"service_version", kVersion}};
                          for (const auto& [name, value] : state.facts().resource) {
                            std::string key = name;
                            std::replace(key.begin(), key.end(), '.', '_');
                            labels.emplace_back(key, value);  // the last one of a name counts
                          }
                          out.push_back({.labels = std::move(labels), .value = 1});
                        });
}

}  // namespace wirespan::gateway
