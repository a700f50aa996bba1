#include "gateway/app/replacements.h"

#include <algorithm>
#include <array>

namespace wirespan::gateway {

namespace {

struct Entry {
  std::string_view kind;
  std::string_view type;
  std::string_view instead;
};

constexpr std::string_view kInFront =
    "keep it in a Collector in front, which sends OTLP to this gateway";
constexpr std::string_view kBehind = "keep it in a Collector behind this gateway";
constexpr std::string_view kVendor = "use otlphttp with the backend's own OTLP endpoint";
constexpr std::string_view kPrometheus =
    "use otlphttp with metrics_endpoint http://PROMETHEUS:9090/api/v1/otlp/v1/metrics";
constexpr std::string_view kTransform =
    "use attributes, resource and filter, which cover setting, deleting and conditions";

constexpr std::array kEntries = {
    Entry{"receivers", "jaeger", "use otlp: Jaeger's clients and agents have sent OTLP since 1.35"},
    Entry{"receivers", "opencensus", "use otlp: OpenCensus has ended"},
    Entry{"receivers", "zipkin", "use otlp"},
    Entry{"receivers", "prometheus", "let Prometheus scrape, or keep a Collector in front for it"},
    Entry{"receivers", "skywalking", kInFront},
    Entry{"receivers", "kafka", kInFront},
    Entry{"receivers", "statsd", kInFront},
    Entry{"receivers", "hostmetrics", kInFront},
    Entry{"receivers", "kubeletstats", kInFront},
    Entry{"receivers", "k8s_cluster", kInFront},
    Entry{"receivers", "k8s_events", kInFront},
    Entry{"receivers", "docker_stats", kInFront},
    Entry{"receivers", "filelog", kInFront},
    Entry{"receivers", "file_log", kInFront},
    Entry{"receivers", "fluentforward", kInFront},
    Entry{"receivers", "journald", kInFront},
    Entry{"receivers", "syslog", kInFront},
    Entry{"receivers", "redis", kInFront},
    Entry{"receivers", "postgresql", kInFront},
    Entry{"receivers", "nginx", kInFront},
    Entry{"receivers", "httpcheck", kInFront},
    Entry{"processors", "tail_sampling",
          "probabilistic_sampler decides by trace id; for policies keep a Collector behind"},
    Entry{"processors", "groupbytrace", kBehind},
    Entry{"processors", "groupbyattrs", kBehind},
    Entry{"processors", "transform", kTransform},
    Entry{"processors", "span", kTransform},
    Entry{"processors", "redaction", "use attributes with the actions delete and hash"},
    Entry{"processors", "resourcedetection", "use resource with ${env:...}"},
    Entry{"processors", "resource_detection", "use resource with ${env:...}"},
    Entry{"processors", "metricstransform", kBehind},
    Entry{"processors", "cumulativetodelta", kBehind},
    Entry{"processors", "deltatocumulative", kBehind},
    Entry{"processors", "interval", kBehind},
    Entry{"processors", "logdedup", kBehind},
    Entry{"exporters", "logging", "use debug, which took its place"},
    Entry{"exporters", "jaeger", "use otlp: Jaeger takes OTLP on 4317"},
    Entry{"exporters", "jaeger_thrift", "use otlp: Jaeger takes OTLP on 4317"},
    Entry{"exporters", "opencensus", "use otlp: OpenCensus has ended"},
    Entry{"exporters", "zipkin", "use otlp"},
    Entry{"exporters", "loadbalancing",
          "use otlp, whose balancer_name round_robin spreads over dns:///NAME:4317 (not by trace)"},
    Entry{"exporters", "load_balancing",
          "use otlp, whose balancer_name round_robin spreads over dns:///NAME:4317 (not by trace)"},
    Entry{"exporters", "prometheus", kPrometheus},
    Entry{"exporters", "prometheusremotewrite", kPrometheus},
    Entry{"exporters", "prometheus_remote_write", kPrometheus},
    Entry{"exporters", "loki", "use otlphttp with endpoint http://LOKI:3100/otlp"},
    Entry{"exporters", "kafka", kBehind},
    Entry{"exporters", "elasticsearch", kVendor},
    Entry{"exporters", "opensearch", kBehind},
    Entry{"exporters", "clickhouse", kBehind},
    Entry{"exporters", "datadog", kVendor},
    Entry{"exporters", "splunk_hec", kVendor},
    Entry{"exporters", "sapm", kVendor},
    Entry{"exporters", "signalfx", kVendor},
    Entry{"exporters", "awsxray", kVendor},
    Entry{"exporters", "googlecloud", kVendor},
    Entry{"exporters", "azuremonitor", kBehind},
    Entry{"exporters", "influxdb", kBehind},
    Entry{"exporters", "jaeger_storage_exporter", "use otlp with a Jaeger behind this gateway"},
    Entry{"connectors", "spanmetrics", kBehind},
    Entry{"connectors", "span_metrics", kBehind},
    Entry{"connectors", "servicegraph", kBehind},
    Entry{"connectors", "service_graph", kBehind},
    Entry{"connectors", "forward", "name the exporters in both pipelines"},
    Entry{"connectors", "routing", "use a pipeline with a filter for each destination"},
    Entry{"connectors", "failover", kBehind},
    Entry{"connectors", "count", kBehind},
    Entry{"connectors", "exceptions", kBehind},
    Entry{"extensions", "memory_limiter",
          "use the memory_limiter processor, which here refuses at the door too"},
    Entry{"extensions", "healthcheckv2", "use health_check"},
    Entry{"extensions", "oauth2client", "use bearertokenauth with filename, renewed from outside"},
    Entry{"extensions", "oidc", "use bearertokenauth, or check tokens in a proxy in front"},
    Entry{"extensions", "asapclient", "use bearertokenauth with filename, renewed from outside"},
    Entry{"extensions", "sigv4auth", kBehind},
    Entry{"extensions", "memory_ballast", "take it away: there is no garbage collector to calm"},
    Entry{"extensions", "db_storage", "use file_storage"},
    Entry{"extensions", "redis_storage", "use file_storage"},
    Entry{"extensions", "opamp", "take it away, and deliver configurations by file and SIGHUP"},
    Entry{"extensions", "jaeger_storage", "it is Jaeger's own: keep it in Jaeger's file"},
    Entry{"extensions", "jaeger_query", "it is Jaeger's own: keep it in Jaeger's file"},
    Entry{"extensions", "jaegerremotesampling", "keep it in a Collector beside this gateway"},
    Entry{"extensions", "remote_sampling", "it is Jaeger's own: keep it in Jaeger's file"},
};

}  // namespace

std::string_view Replacement(std::string_view kind, std::string_view type) {
  const auto found = std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& entry) {
    return entry.kind == kind && entry.type == type;
  });
  return found == kEntries.end() ? std::string_view() : found->instead;
}

}  // namespace wirespan::gateway
