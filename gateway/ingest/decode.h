#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/otlp/compress.h"
#include "gateway/pipeline/outcome.h"
#include "gateway/pipeline/signal.h"

namespace wirespan::gateway {

// How a gRPC message was compressed, by its first bytes: its name in grpc-encoding doesn't reach
// us. None of the marks is the beginning of an OTLP request.
otlp::Encoding EncodingOfMessage(std::string_view message);

// Decompresses to at most `max_bytes`. Not ok: INVALID_ARGUMENT (damaged) or RESOURCE_EXHAUSTED
// (more than max_bytes).
Outcome Decompress(otlp::Encoding encoding, std::string_view compressed, std::size_t max_bytes,
                   std::string& out);

// OTLP/JSON to protobuf bytes. Not ok: INVALID_ARGUMENT with what is wrong and where.
Outcome FromJson(Signal signal, std::string_view json, std::string& out);

}  // namespace wirespan::gateway
