#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "gateway/pipeline/bytes.h"
#include "gateway/pipeline/signal.h"
#include "gateway/sink/exporter_options.h"

namespace wirespan::gateway {

// Inflates what was kept as received alone. False: it is damaged.
bool MakePlain(Bytes& bytes);

// The bytes of a request, compressed as one member or frame.
std::string CompressBytes(Compression compression, const Bytes& bytes);

// OTLP/JSON of a request, on one line.
Result<std::string> ToJson(Signal signal, const Bytes& bytes);

}  // namespace wirespan::gateway
