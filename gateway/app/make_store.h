#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/extension/extensions.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// Opens the store of an exporter and serves it; both end with the sender. `registry` outlives it.
Result<std::unique_ptr<Sender>> MakeStoreSender(const std::string& id,
                                                const StoreExporterOptions& options,
                                                const Extensions& extensions,
                                                telemetry::Registry& registry);

}  // namespace wirespan::gateway
