#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/export/exporter.h"
#include "common/base/result.h"
#include "common/otlp/signal.h"

// The standard variables of OpenTelemetry's exporter specification, laid over what the file says. X
// stands for TRACES or METRICS, whose own variable wins over the general one:
//
//   OTEL_EXPORTER_OTLP_[X_]ENDPOINT     general: a base URL, to which v1/traces or v1/metrics is
//   added for HTTP;
//                                       X's own: used as it is
//   OTEL_EXPORTER_OTLP_[X_]PROTOCOL     grpc, http/protobuf (the default)
//   OTEL_EXPORTER_OTLP_[X_]HEADERS      key=value,key=value, values URL-encoded
//   OTEL_EXPORTER_OTLP_[X_]COMPRESSION  none, gzip, zstd
//   OTEL_EXPORTER_OTLP_[X_]TIMEOUT      milliseconds
//   OTEL_EXPORTER_OTLP_[X_]CERTIFICATE, _CLIENT_KEY, _CLIENT_CERTIFICATE   PEM files
//   OTEL_EXPORTER_OTLP_[X_]INSECURE     true, false: for gRPC endpoints without a scheme
//   OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER   otlp, none (prometheus for metrics: none, that
//   endpoint is always there) OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_MAX_EXPORT_BATCH_SIZE HTTPS_PROXY,
//   HTTP_PROXY, NO_PROXY and their lower-case forms
//
// An empty variable is an unset one.
namespace wirespan::exporting {

// A variable's value, nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// `options` as the file gives them: endpoints that it leaves empty get the default of their
// protocol (http://localhost:4318/v1/traces, http://localhost:4317). An error begins with the
// variable's name and never repeats headers.
Result<ExporterOptions> MergeEnvironment(ExporterOptions options, const Environment& environment);

// The URL of a signal below a base URL: "http://host:4318/" -> "http://host:4318/v1/traces"; gRPC
// takes the base itself. For endpoints in the file that stand for both signals.
std::string SignalEndpoint(std::string_view base, OtlpProtocol protocol, otlp::Signal signal);
Result<OtlpProtocol> ParseProtocol(std::string_view text);
Result<Compression> ParseCompression(std::string_view text);
// "a=b%20c,d=e"; later ones win.
Result<std::map<std::string, std::string>> ParseHeaders(std::string_view text);

}  // namespace wirespan::exporting
