// Configurations with the components and keys of those that people run: taken, or refused line by
// line with exactly what is lacking. A component that is added takes its line away by itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/strings.h"
#include "gateway/app/components.h"
#include "gateway/app/config_loader.h"

namespace wirespan::gateway {
namespace {

struct Lack {
  const char* place;  // line:column
  const char* kind;   // of a component; empty: the text is the sentence's beginning
  const char* text;   // its type
};

std::optional<std::string> PodEnvironment(const std::string& name) {
  if (name == "MY_POD_IP") return "10.1.2.3";
  return std::nullopt;
}

Result<GatewayConfig> Read(const std::string& text) {
  return ReadConfig(config::Document::Parse({{.name = "c.yaml", .text = text}}, PodEnvironment));
}

void ExpectLacks(const std::string& text, std::initializer_list<Lack> lacks) {
  std::vector<std::string> expected;
  for (const Lack& lack : lacks) {
    const std::string_view kind = lack.kind;
    if (!kind.empty() && HasComponent(kind, lack.text)) continue;
    expected.push_back(fmt::format("c.yaml:{}: {}", lack.place,
                                   kind.empty() ? lack.text : UnknownComponent(kind, lack.text)));
  }
  const auto config = Read(text);
  std::vector<std::string> found;
  if (!config) {
    for (const std::string_view line : Split(config.error().message, '\n'))
      found.emplace_back(line);
  }
  EXPECT_EQ(found.size(), expected.size()) << (config ? "taken" : config.error().message);
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    EXPECT_TRUE(found[i].starts_with(expected[i])) << found[i] << "\ninstead of\n" << expected[i];
  }
}

TEST(CorpusTest, TheSpecificationsOwnFileIsTaken) {
  const auto config = Read(R"(
receivers:
  otlp:
    protocols:
      grpc:
exporters:
  jaeger:
    endpoint: jaeger:14250
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [jaeger]
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->receivers.at("otlp").grpc->endpoint, "localhost:4317");
  const auto& jaeger = std::get<JaegerOptions>(config->exporters.at("jaeger").kind);
  EXPECT_EQ(jaeger.client.endpoint, "jaeger:14250");
  EXPECT_TRUE(jaeger.client.tls.insecure) << "plain text without a tls block";
  EXPECT_FALSE(jaeger.tls_written) << "which is worth a warning";
}

// otelcol-contrib's deb and rpm.
TEST(CorpusTest, ThePackagesDefault) {
  ExpectLacks(R"(extensions:
  health_check:
  pprof:
    endpoint: 0.0.0.0:1777
  zpages:
    endpoint: 0.0.0.0:55679
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
  opencensus:
    endpoint: 0.0.0.0:55678
  prometheus:
    config:
      scrape_configs:
      - job_name: 'otel-collector'
        scrape_interval: 10s
        static_configs:
        - targets: ['0.0.0.0:8888']
  jaeger:
    protocols:
      grpc:
        endpoint: 0.0.0.0:14250
      thrift_binary:
        endpoint: 0.0.0.0:6832
      thrift_compact:
        endpoint: 0.0.0.0:6831
      thrift_http:
        endpoint: 0.0.0.0:14268
  zipkin:
    endpoint: 0.0.0.0:9411
processors:
  batch:
exporters:
  debug:
    verbosity: detailed
service:
  pipelines:
    traces:
      receivers: [otlp, opencensus, jaeger, zipkin]
      processors: [batch]
      exporters: [debug]
    metrics:
      receivers: [otlp, opencensus, prometheus]
      processors: [batch]
      exporters: [debug]
    logs:
      receivers: [otlp]
      processors: [batch]
      exporters: [debug]
  extensions: [health_check, pprof, zpages]
)",
              {{"14:3", "receivers", "opencensus"},
               {"16:3", "receivers", "prometheus"},
               {"23:3", "receivers", "jaeger"},
               {"32:3", "receivers", "zipkin"}});
}

// The opentelemetry-collector chart, mode deployment, as it renders without values.
TEST(CorpusTest, TheChartsRenderedDefault) {
  ExpectLacks(R"(exporters:
  debug: {}
extensions:
  health_check:
    endpoint: ${env:MY_POD_IP}:13133
processors:
  batch: {}
  memory_limiter:
    check_interval: 5s
    limit_percentage: 80
    spike_limit_percentage: 25
receivers:
  jaeger:
    protocols:
      grpc:
        endpoint: ${env:MY_POD_IP}:14250
      thrift_compact:
        endpoint: ${env:MY_POD_IP}:6831
      thrift_http:
        endpoint: ${env:MY_POD_IP}:14268
  otlp:
    protocols:
      grpc:
        endpoint: ${env:MY_POD_IP}:4317
      http:
        endpoint: ${env:MY_POD_IP}:4318
  prometheus:
    config:
      scrape_configs:
      - job_name: opentelemetry-collector
        scrape_interval: 10s
        static_configs:
        - targets:
          - ${env:MY_POD_IP}:8888
  zipkin:
    endpoint: ${env:MY_POD_IP}:9411
service:
  extensions:
  - health_check
  pipelines:
    logs:
      exporters:
      - debug
      processors:
      - memory_limiter
      - batch
      receivers:
      - otlp
    metrics:
      exporters:
      - debug
      processors:
      - memory_limiter
      - batch
      receivers:
      - otlp
      - prometheus
    traces:
      exporters:
      - debug
      processors:
      - memory_limiter
      - batch
      receivers:
      - otlp
      - jaeger
      - zipkin
  telemetry:
    metrics:
      readers:
      - pull:
          exporter:
            prometheus:
              host: ${env:MY_POD_IP}
              port: 8888
)",
              {{"8:3", "processors", "memory_limiter"},
               {"13:3", "receivers", "jaeger"},
               {"27:3", "receivers", "prometheus"},
               {"35:3", "receivers", "zipkin"}});
}

// The same chart with what its readers usually take away: the file runs unchanged.
TEST(CorpusTest, AChartsUsualGatewayIsTaken) {
  ExpectLacks(R"(exporters:
  otlp:
    endpoint: tempo-distributor.tracing.svc:4317
    tls:
      insecure: true
    sending_queue:
      enabled: true
      num_consumers: 20
      queue_size: 5000
    retry_on_failure:
      enabled: true
      initial_interval: 1s
      max_interval: 10s
      max_elapsed_time: 0s
  otlphttp/metrics:
    endpoint: http://mimir:9009/otlp
    headers:
      X-Scope-OrgID: ${env:TENANT:-anonymous}
extensions:
  health_check:
    endpoint: ${env:MY_POD_IP}:13133
  file_storage/queue:
    directory: /var/lib/otelcol/queue
processors:
  batch:
    send_batch_size: 1000
    send_batch_max_size: 2000
    timeout: 1s
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: ${env:MY_POD_IP}:4317
        max_recv_msg_size_mib: 64
        keepalive:
          server_parameters:
            max_connection_age: 60s
            max_connection_age_grace: 10s
      http:
        endpoint: ${env:MY_POD_IP}:4318
service:
  extensions: [health_check, file_storage/queue]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}
    metrics: {receivers: [otlp], processors: [batch], exporters: [otlphttp/metrics]}
  telemetry:
    logs:
      level: info
      encoding: json
    metrics:
      level: normal
)",
              {});
}

// Jaeger 2's own file for service performance monitoring.
TEST(CorpusTest, JaegersServicePerformanceFile) {
  ExpectLacks(R"(service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [jaeger_storage_exporter, spanmetrics]
    metrics/spanmetrics:
      receivers: [spanmetrics]
      exporters: [prometheus]
  telemetry:
    resource:
      service.name: jaeger
    metrics:
      level: detailed
      readers:
        - pull:
            exporter:
              prometheus:
                host: 0.0.0.0
                port: 8888
    logs:
      level: DEBUG
extensions:
  jaeger_query:
    storage:
      traces: some_storage
      metrics: some_metrics_storage
  jaeger_storage:
    backends:
      some_storage:
        memory:
          max_traces: 100000
    metric_backends:
      some_metrics_storage:
        prometheus:
          endpoint: http://prometheus:9090
          normalize_calls: true
          normalize_duration: true
connectors:
  spanmetrics:
receivers:
  otlp:
    protocols:
      grpc:
      http:
        endpoint: "0.0.0.0:4318"
processors:
  batch:
exporters:
  jaeger_storage_exporter:
    trace_storage: some_storage
  prometheus:
    endpoint: "0.0.0.0:8889"
)",
              {{"25:3", "extensions", "jaeger_query"},
               {"29:3", "extensions", "jaeger_storage"},
               {"41:3", "connectors", "spanmetrics"},
               {"51:3", "exporters", "jaeger_storage_exporter"},
               {"53:3", "exporters", "prometheus"}});
}

// The Collector in front of Jaeger in the same example.
TEST(CorpusTest, ACollectorForServicePerformance) {
  ExpectLacks(R"(receivers:
  jaeger:
    protocols:
      thrift_http:
        endpoint: "0.0.0.0:14278"
  otlp:
    protocols:
      grpc:
      http:
        endpoint: "0.0.0.0:4318"
exporters:
  prometheus:
    endpoint: "0.0.0.0:8889"
  otlp:
    endpoint: jaeger:4317
    tls:
      insecure: true
connectors:
  spanmetrics:
processors:
  batch:
service:
  pipelines:
    traces:
      receivers: [otlp, jaeger]
      processors: [batch]
      exporters: [spanmetrics, otlp]
    metrics/spanmetrics:
      receivers: [spanmetrics]
      exporters: [prometheus]
)",
              {{"2:3", "receivers", "jaeger"},
               {"12:3", "exporters", "prometheus"},
               {"19:3", "connectors", "spanmetrics"}});
}

// The demo shop's.
TEST(CorpusTest, TheDemos) {
  ExpectLacks(R"(receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
        cors:
          allowed_origins:
            - "http://*"
            - "https://*"
  httpcheck/frontend-proxy:
    targets:
      - endpoint: http://frontend-proxy:8080
  docker_stats:
    endpoint: unix:///var/run/docker.sock
  redis:
    endpoint: "valkey-cart:6379"
    collection_interval: 10s
  hostmetrics:
    root_path: /hostfs
    scrapers: {cpu: , memory: }
exporters:
  debug:
  otlp:
    endpoint: "jaeger:4317"
    tls:
      insecure: true
  otlphttp/prometheus:
    endpoint: "http://prometheus:9090/api/v1/otlp"
    tls:
      insecure: true
  opensearch:
    logs_index: otel
    http:
      endpoint: "http://opensearch:9200"
      tls:
        insecure: true
processors:
  batch:
  memory_limiter:
    check_interval: 5s
    limit_percentage: 80
    spike_limit_percentage: 25
  resourcedetection:
    detectors: [env, docker, system]
  transform:
    error_mode: ignore
    trace_statements:
      - context: span
        statements:
          - replace_pattern(name, "\\?.*", "")
connectors:
  spanmetrics:
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [resourcedetection, memory_limiter, transform, batch]
      exporters: [otlp, debug, spanmetrics]
    metrics:
      receivers: [hostmetrics, docker_stats, httpcheck/frontend-proxy, redis, otlp, spanmetrics]
      processors: [resourcedetection, memory_limiter, batch]
      exporters: [otlphttp/prometheus, debug]
    logs:
      receivers: [otlp]
      processors: [resourcedetection, memory_limiter, batch]
      exporters: [opensearch, debug]
  telemetry:
    metrics:
      level: detailed
      readers:
        - pull:
            exporter:
              prometheus: {host: 0.0.0.0, port: 8888}
)",
              {{"12:3", "receivers", "httpcheck"},
               {"15:3", "receivers", "docker_stats"},
               {"17:3", "receivers", "redis"},
               {"20:3", "receivers", "hostmetrics"},
               {"33:3", "exporters", "opensearch"},
               {"41:3", "processors", "memory_limiter"},
               {"45:3", "processors", "resourcedetection"},
               {"47:3", "processors", "transform"},
               {"54:3", "connectors", "spanmetrics"}});
}

}  // namespace
}  // namespace wirespan::gateway
