#pragma once

#include <google/protobuf/descriptor.h>

#include "common/otlp/signal.h"

// Only for json_*.cc: protobuf's headers are heavy.
namespace wirespan::otlp {

const google::protobuf::Descriptor* RequestDescriptor(Signal signal);

// Written as hex in OTLP/JSON instead of base64: trace_id, span_id, parent_span_id.
bool IsHexId(const google::protobuf::FieldDescriptor& field);

}  // namespace wirespan::otlp
