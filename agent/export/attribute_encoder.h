#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/span/span.h"
#include "common/otlp/wire.h"

// Attributes as OTLP's KeyValue, straight into the writer.
namespace wirespan::exporting {

void WriteAttribute(otlp::Writer& out, std::uint32_t field, std::string_view key,
                    std::string_view value);
void WriteAttribute(otlp::Writer& out, std::uint32_t field, const span::Attribute& attribute);
// Field 1 of ResourceSpans and ResourceMetrics.
void WriteResource(otlp::Writer& out, const span::Resource* resource);
// Field 1 of ScopeSpans and ScopeMetrics: who made the telemetry.
void WriteScope(otlp::Writer& out);
// A text field; repaired if it is not UTF-8.
void WriteText(otlp::Writer& out, std::uint32_t field, std::string_view text);

}  // namespace wirespan::exporting
