#include "gateway/app/make_processor.h"

#include "gateway/pipeline/batch_processor.h"

namespace wirespan::gateway {

std::unique_ptr<Processor> MakeProcessor(const std::string& id, Signal,
                                         const ProcessorConfig& config, Consumer& next,
                                         telemetry::Registry& registry) {
  return std::make_unique<BatchProcessor>(id, std::get<BatchOptions>(config), next, registry);
}

}  // namespace wirespan::gateway
