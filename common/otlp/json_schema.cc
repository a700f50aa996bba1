#include "common/otlp/json_schema.h"

#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

namespace wirespan::otlp {

namespace collector = opentelemetry::proto::collector;

const google::protobuf::Descriptor* RequestDescriptor(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return collector::trace::v1::ExportTraceServiceRequest::descriptor();
    case Signal::kMetrics:
      return collector::metrics::v1::ExportMetricsServiceRequest::descriptor();
    case Signal::kProfiles:
      return nullptr;
    case Signal::kLogs:
      break;
  }
  return collector::logs::v1::ExportLogsServiceRequest::descriptor();
}

bool IsHexId(const google::protobuf::FieldDescriptor& field) {
  return field.type() == google::protobuf::FieldDescriptor::TYPE_BYTES &&
         (field.name() == "trace_id" || field.name() == "span_id" ||
          field.name() == "parent_span_id");
}

}  // namespace wirespan::otlp
