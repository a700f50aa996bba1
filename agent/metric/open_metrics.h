#pragma once

#include <string>

#include "agent/metric/snapshot.h"

namespace wirespan::metric {

enum class TextFormat : unsigned char {
  kOpenMetrics,  // application/openmetrics-text; version=1.0.0: units, exemplars, # EOF
  kPrometheus,   // text/plain; version=0.0.4: what older scrapers ask for
};

// The Content-Type of a format; and the format that an Accept header asks for.
std::string_view ContentType(TextFormat format);
TextFormat FormatFor(std::string_view accept);

// A snapshot as text for scraping. Names and labels by OpenTelemetry's Prometheus compatibility
// rules: dots become underscores, units become suffixes. Each series has the labels job
// (service.namespace/service.name), instance (service.instance.id, if there is one) and
// service_name; the rest of the resource is in target_info. Resources that have the same job and
// instance are added up, because the text cannot tell them apart.
std::string RenderText(const Snapshot& snapshot, TextFormat format);

}  // namespace wirespan::metric
