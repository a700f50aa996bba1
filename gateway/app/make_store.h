#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/shared_sink.h"
#include "gateway/extension/extensions.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// A sender into the store of an exporter, which is opened and served with the first of them and
// ends with the last. Of metrics only what agents say is kept: of themselves (CoverageTable),
// and of the exchanges that they saw (rates).
// `registry` outlives it.
Result<std::unique_ptr<Sender>> MakeStoreSender(const std::string& id, Signal signal,
                                                const StoreExporterOptions& options,
                                                const Extensions& extensions,
                                                telemetry::Registry& registry, SharedSink& shared);

}  // namespace wirespan::gateway
