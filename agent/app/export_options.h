#pragma once

#include "agent/app/config.h"
#include "agent/export/exporter.h"
#include "common/base/result.h"

namespace wirespan::app {

// The file's `export` section with OTEL_EXPORTER_OTLP_* and the proxy variables of this process
// laid over it.
Result<exporting::ExporterOptions> ExporterOptionsOf(const Config& config);

}  // namespace wirespan::app
