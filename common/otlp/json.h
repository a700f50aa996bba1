#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/otlp/signal.h"

// OTLP/JSON <-> protobuf bytes. OTLP's JSON differs from protobuf's: ids are hex, enums are
// integers alone, only lowerCamelCase names count, unknown names are ignored. protobuf's own
// converter gets these wrong (hex read as base64, enum names and snake_case taken), so the text is
// transcoded to wire bytes directly, led by the messages' descriptors.
namespace wirespan::otlp {

inline constexpr int kMaxJsonDepth = 128;

// An Export*ServiceRequest. kInvalidArgument: "offset 17: ..." without the text itself.
Result<std::string> RequestFromJson(Signal signal, std::string_view json);

// One line, no spaces; 64-bit integers as strings, bytes in base64 except ids in lower-case hex.
// Fields unknown to this build are left out. kInvalidArgument: the bytes are malformed.
Result<std::string> RequestToJson(Signal signal, std::string_view request);

}  // namespace wirespan::otlp
