#include "gateway/app/make_processor.h"

namespace wirespan::gateway {

namespace {

struct Maker {
  const std::string& id;
  Signal signal;
  Consumer& next;
  const ClusterWatches::Open& watches;
  telemetry::Registry& registry;

  std::unique_ptr<Processor> operator()(const BatchOptions& options) const {
    return std::make_unique<BatchProcessor>(id, options, next, registry);
  }
  std::unique_ptr<Processor> operator()(const AttributesOptions& options) const {
    return std::make_unique<AttributesProcessor>(id, options, next);
  }
  std::unique_ptr<Processor> operator()(const FilterOptions& options) const {
    return std::make_unique<FilterProcessor>(id, options, signal, next, registry);
  }
  std::unique_ptr<Processor> operator()(const K8sAttributesOptions& options) const {
    ClusterView cluster;
    if (!options.passthrough) cluster = watches.at(id);
    return std::make_unique<K8sAttributesProcessor>(id, options, std::move(cluster), next,
                                                    registry);
  }
  std::unique_ptr<Processor> operator()(const MemoryLimiterOptions&) const {
    return std::make_unique<MemoryLimiter>(id, signal, next, registry);
  }
  std::unique_ptr<Processor> operator()(const SamplerOptions& options) const {
    return std::make_unique<ProbabilisticSampler>(id, options, signal, next, registry);
  }
  std::unique_ptr<Processor> operator()(const ResourceOptions& options) const {
    return std::make_unique<ResourceProcessor>(id, options, next);
  }
};

}  // namespace

std::unique_ptr<Processor> MakeProcessor(const std::string& id, Signal signal,
                                         const ProcessorConfig& config, Consumer& next,
                                         const ClusterWatches::Open& watches,
                                         telemetry::Registry& registry) {
  return std::visit(Maker{id, signal, next, watches, registry}, config);
}

}  // namespace wirespan::gateway
