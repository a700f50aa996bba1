#include "agent/app/config_schema.h"

namespace wirespan::app {
namespace {

using config::Group;
using config::Key;
using config::Type;

// Conditions on a process; all that are given must match (agent/process/filter.h).
std::vector<Key> MatchKeys() {
  return {
      {.name = "executable",
       .type = Type::kString,
       .help = "Glob on the executable's path, or on its name where the glob has no slash."},
      {.name = "command_line",
       .type = Type::kString,
       .help = "Glob on the arguments joined by blanks."},
      {.name = "pid",
       .type = Type::kInt,
       .help = "Process id in the initial pid namespace.",
       .min = 0,
       .max = 4194304},
      {.name = "cgroup", .type = Type::kString, .help = "Glob on the cgroup's path."},
      {.name = "container_id",
       .type = Type::kString,
       .help = "Glob on, or prefix of, the container's id."},
      {.name = "container_name",
       .type = Type::kString,
       .help = "Glob on the container's name where the runtime tells it."},
      {.name = "systemd_unit", .type = Type::kString, .help = "Glob on the systemd unit."},
      {.name = "pod_namespace", .type = Type::kString, .help = "Glob on the Kubernetes namespace."},
      {.name = "pod_name", .type = Type::kString, .help = "Glob on the pod's name."},
      {.name = "pod_labels",
       .type = Type::kStringMap,
       .help = "Labels that the pod must have; values are globs."},
  };
}

std::vector<Key> MatchKeysAnd(std::vector<Key> first) {
  for (auto& key : MatchKeys()) first.push_back(std::move(key));
  return first;
}

Key Capture() {
  return Group(
      "capture", "How bytes are seen, and whose.",
      {
          {.name = "backend",
           .type = Type::kChoice,
           .default_text = "auto",
           .help = "Where in the kernel calls are seen; auto takes the first that this kernel "
                   "offers and that misses hardly a call on it.",
           .choices = {"auto", "socktrace", "fentry", "kprobe", "syscall"}},
          {.name = "ring_bytes",
           .type = Type::kSize,
           .default_text = "16MiB",
           .help = "Rings between kernel and agent, all CPUs together.",
           .min = 64 << 10,
           .max = 48 << 20},
          {.name = "head_bytes",
           .type = Type::kSize,
           .default_text = "16KiB",
           .help = "How much of one HTTP/1 message head is captured; a longer one makes a span "
                   "that says it is incomplete.",
           .min = 1024,
           .max = 65536},
          {.name = "http2_head_bytes",
           .type = Type::kSize,
           .default_text = "64KiB",
           .help = "The same of one HTTP/2 header block, as it is on the wire. What a longer one "
                   "tells of later requests' headers is lost too: they say "
                   "wirespan.incomplete=hpack.",
           .min = 1024,
           .max = 1 << 20},
          {.name = "splice",
           .type = Type::kChoice,
           .default_text = "when_used",
           .help = "When the backend socktrace attaches the hooks that see splice from a socket to "
                   "a pipe. when_used: within 50 ms of the first splice on the machine, because "
                   "they cost every exchange; what it moved until then is not seen (of TCP it is "
                   "counted).",
           .choices = {"when_used", "always"}},
          {.name = "statistics",
           .type = Type::kBool,
           .default_text = "false",
           .help = "Measure the run time of the BPF programs (costs some ns a run)."},
          {.name = "handover",
           .type = Type::kDuration,
           .default_text = "30s",
           .help =
               "How long the BPF programs go on after SIGTERM, pinned below /sys/fs/bpf/wirespan, "
               "for the agent that starts next with the same control socket; at most 30s. 0: they "
               "end at once. In a pod only where its DaemonSet stays (operating.md).",
           .min = 0,
           .max = 30},
          Group("filter",
                "Which sockets and processes are observed. Order: ports, own_pod, exclude, the "
                "gateway "
                "(never, unless included), include; without include rules all the rest.",
                {
                    {.name = "own_pod",
                     .type = Type::kBool,
                     .default_text = "false",
                     .help = "Only processes of the pod that the agent runs in, for a sidecar."},
                    {.name = "include_ports",
                     .type = Type::kStrings,
                     .help = "Only sockets with one of these ports at either end; Unix sockets "
                             "pass it never."},
                    {.name = "exclude_ports",
                     .type = Type::kStrings,
                     .help = "No socket with one of these ports at either end."},
                    {.name = "include",
                     .type = Type::kList,
                     .help = "Only processes that one of these rules matches.",
                     .children = MatchKeys()},
                    {.name = "exclude",
                     .type = Type::kList,
                     .help = "No process that one of these rules matches.",
                     .children = MatchKeys()},
                }),
      });
}

Key Node() {
  return Group(
      "node", "The machine, and other agents on it.",
      {
          {.name = "root",
           .type = Type::kString,
           .default_text = "",
           .help = "Where the host's /proc is mounted, without the /proc (/host for /host/proc): "
                   "for an agent in a container without the host's pid namespace."},
          {.name = "other_agents",
           .type = Type::kChoice,
           .default_text = "yield",
           .help = "yield: where another agent observes this node, this one waits until that one "
                   "ends, and pods with an agent of their own are left out. ignore: neither look "
                   "for others nor be found; what both see is reported twice.",
           .choices = {"yield", "ignore"}},
      });
}

Key Exchanges() {
  return Group(
      "exchanges", "What is done with exchanges before anything counts them.",
      {
          {.name = "ignore",
           .type = Type::kList,
           .help = "Exchanges that are neither counted nor reported; all conditions of an entry "
                   "must match.",
           .children =
               {
                   {.name = "path",
                    .type = Type::kString,
                    .help = "Glob on the path without its query; a gRPC call's is "
                            "/package.Service/Method."},
                   {.name = "method", .type = Type::kString, .help = "The method as on the wire."},
                   {.name = "user_agent",
                    .type = Type::kString,
                    .help = "Glob on the User-Agent header."},
               }},
      });
}

Key Traces() {
  return Group(
      "traces", "Which exchanges become spans.",
      {
          {.name = "mode",
           .type = Type::kChoice,
           .default_text = "auto",
           .help = "Spans for processes that report their own through an OpenTelemetry SDK: auto "
                   "leaves these to the SDK, always reports them, never reports nobody.",
           .choices = {"always", "auto", "never"}},
          {.name = "rules",
           .type = Type::kList,
           .help = "The mode for particular processes; the first that matches.",
           .children = MatchKeysAnd({{.name = "mode",
                                      .type = Type::kChoice,
                                      .default_text = "auto",
                                      .help = "As traces.mode.",
                                      .choices = {"always", "auto", "never"}}})},
          {.name = "sampler",
           .type = Type::kChoice,
           .default_text = "parentbased_always_on",
           .help = "Head sampling, after metrics; OTEL_TRACES_SAMPLER overrides it.",
           .choices = {"always_on", "always_off", "traceidratio", "parentbased_always_on",
                       "parentbased_always_off", "parentbased_traceidratio"}},
          {.name = "sampler_arg",
           .type = Type::kString,
           .help = "The ratio of a traceidratio sampler; OTEL_TRACES_SAMPLER_ARG overrides it."},
          {.name = "max_per_second",
           .type = Type::kInt,
           .default_text = "0",
           .help = "Traces begun a second at most; 0: no limit.",
           .min = 0,
           .max = 10000000},
      });
}

Key Metrics() {
  return Group(
      "metrics", "Rate, errors and duration of the observed services.",
      {
          {.name = "listen",
           .type = Type::kString,
           .default_text = "127.0.0.1:9464",
           .help = "Where they can be scraped; empty: nowhere."},
          {.name = "body_sizes",
           .type = Type::kBool,
           .default_text = "false",
           .help = "Also histograms of HTTP request and response body sizes."},
          {.name = "server_address",
           .type = Type::kBool,
           .default_text = "false",
           .help = "server.address and server.port on server metrics too; clients choose these "
                   "values."},
          {.name = "interval",
           .type = Type::kDuration,
           .default_text = "60s",
           .help = "How often they are exported by OTLP; OTEL_METRIC_EXPORT_INTERVAL overrides it.",
           .min = 0.1,
           .max = 86400},
          {.name = "max_series_per_service",
           .type = Type::kInt,
           .default_text = "2000",
           .help =
               "Series of one metric and service; beyond it one with otel.metric.overflow=true.",
           .min = 1,
           .max = 1000000},
          {.name = "max_series",
           .type = Type::kInt,
           .default_text = "20000",
           .help = "Series of this node.",
           .min = 1,
           .max = 1000000},
          {.name = "expire_after",
           .type = Type::kDuration,
           .default_text = "5m",
           .help = "A series without exchanges for so long goes.",
           .min = 1,
           .max = 86400},
      });
}

Key Export() {
  return Group(
      "export", "Where spans and metrics go, by OTLP. OTEL_EXPORTER_OTLP_* override each of these.",
      {
          {.name = "endpoint",
           .type = Type::kString,
           .help = "Base URL. Empty: http://localhost:4318 for http/protobuf, "
                   "http://localhost:4317 for grpc."},
          {.name = "protocol",
           .type = Type::kChoice,
           .default_text = "http/protobuf",
           .help = "The transport.",
           .choices = {"http/protobuf", "grpc"}},
          {.name = "compression",
           .type = Type::kChoice,
           .default_text = "none",
           .help = "Of request bodies.",
           .choices = {"none", "gzip", "zstd"}},
          {.name = "headers",
           .type = Type::kStringMap,
           .help = "Sent with each request; for secrets use ${env:NAME}."},
          {.name = "timeout",
           .type = Type::kDuration,
           .default_text = "10s",
           .help = "Of one request.",
           .min = 0.01,
           .max = 3600},
          {.name = "insecure",
           .type = Type::kBool,
           .default_text = "false",
           .help = "Plaintext for a gRPC endpoint without a scheme."},
          Group("tls", "Files in PEM.",
                {
                    {.name = "ca_file",
                     .type = Type::kString,
                     .help = "Authorities that the server's certificate is checked against; empty: "
                             "the system's."},
                    {.name = "cert_file",
                     .type = Type::kString,
                     .help = "The agent's own certificate."},
                    {.name = "key_file", .type = Type::kString, .help = "Its key."},
                    {.name = "reload_interval",
                     .type = Type::kDuration,
                     .default_text = "1m",
                     .help = "How often these files are looked at; new connections get what they "
                             "hold then, if it can be used. 0s: never.",
                     .min = 0,
                     .max = 86400},
                }),
          {.name = "batch_spans",
           .type = Type::kInt,
           .default_text = "1000",
           .help = "Spans of a request at most; OTEL_BSP_MAX_EXPORT_BATCH_SIZE overrides it.",
           .min = 1,
           .max = 100000},
          {.name = "batch_delay",
           .type = Type::kDuration,
           .default_text = "1s",
           .help = "A span waits so long for others at most; OTEL_BSP_SCHEDULE_DELAY overrides it.",
           .min = 0.001,
           .max = 3600},
          {.name = "queue_bytes",
           .type = Type::kSize,
           .default_text = "32MiB",
           .help = "Encoded requests that wait while the endpoint is away; the oldest are dropped "
                   "beyond it, and counted.",
           .min = 64 << 10,
           .max = 1u << 31},
          {.name = "concurrent_requests",
           .type = Type::kInt,
           .default_text = "2",
           .help = "Requests in flight at once.",
           .min = 1,
           .max = 64},
          {.name = "max_elapsed",
           .type = Type::kDuration,
           .default_text = "5m",
           .help = "A request that failed is tried again for so long, then dropped and counted.",
           .min = 0,
           .max = 86400},
          {.name = "shutdown_timeout",
           .type = Type::kDuration,
           .default_text = "5s",
           .help = "How long a stop waits for what is held to be sent.",
           .min = 0,
           .max = 3600},
          {.name = "self_report",
           .type = Type::kBool,
           .default_text = "true",
           .help = "Send beside the metrics what became of the exchanges that were seen, and what "
                   "of each process is seen and what not (self-report.md)."},
      });
}

std::vector<Key> Rest() {
  return {
      {.name = "services",
       .type = Type::kList,
       .help = "Names for services: the first rule that matches a process names it, before every "
               "other step of naming.md.",
       .children = MatchKeysAnd(
           {{.name = "name",
             .type = Type::kString,
             .help = "service.name; empty leaves it to the other steps."},
            {.name = "namespace", .type = Type::kString, .help = "service.namespace."}})},
      {.name = "routes",
       .type = Type::kList,
       .help = "Paths that are one operation: the first pattern that matches becomes http.route, "
               "in span names and metrics.",
       .children = {{.name = "service",
                     .type = Type::kString,
                     .default_text = "*",
                     .help = "Glob on service.name."},
                    {.name = "patterns",
                     .type = Type::kStrings,
                     .help = "As /users/{id} or /static/*: {name} and * stand for one segment, a "
                             "last * for all that follows."}}},
      Group("redact", "What must not leave the node.",
            {
                {.name = "query",
                 .type = Type::kChoice,
                 .default_text = "known",
                 .help = "Values of secret and signing keys (known), of all keys (values), or the "
                         "whole query (drop).",
                 .choices = {"known", "values", "drop"}},
                {.name = "client_address",
                 .type = Type::kChoice,
                 .default_text = "full",
                 .help = "client.address as it is, cut to its network (/24, /48), or left out.",
                 .choices = {"full", "truncated", "off"}},
            }),
      Group("resource", "What is said of a process.",
            {
                {.name = "command_args",
                 .type = Type::kBool,
                 .default_text = "false",
                 .help = "process.command_args: arguments often hold secrets."},
            }),
      Group("kubernetes", "What processes in pods are called (naming.md).",
            {
                {.name = "enabled",
                 .type = Type::kChoice,
                 .default_text = "auto",
                 .help = "Ask the API server for this node's pods; auto does in a pod, or where "
                         "kubernetes.server is set.",
                 .choices = {"auto", "on", "off"}},
                {.name = "node_name",
                 .type = Type::kString,
                 .help = "This node's name there; empty: the variable NODE_NAME or K8S_NODE_NAME, "
                         "which the downward API's spec.nodeName is to set."},
                {.name = "server",
                 .type = Type::kString,
                 .help = "The API server's URL; empty: as KUBERNETES_SERVICE_HOST and "
                         "KUBERNETES_SERVICE_PORT tell it to every pod."},
                {.name = "token_file",
                 .type = Type::kString,
                 .help = "A file with the bearer token, read for every request; empty: the service "
                         "account's, or none where kubernetes.server is set."},
                {.name = "ca_file",
                 .type = Type::kString,
                 .help = "Authorities that the server's certificate is checked against; empty: the "
                         "service account's, or the system's where kubernetes.server is set."},
                {.name = "pod_labels",
                 .type = Type::kStrings,
                 .help = "Globs on names of labels that become k8s.pod.label.*; * takes all."},
                {.name = "pod_annotations",
                 .type = Type::kStrings,
                 .help = "Globs on names of annotations that become k8s.pod.annotation.*."},
                {.name = "startup_wait",
                 .type = Type::kDuration,
                 .default_text = "3s",
                 .help = "How long a start waits for the node's pods, at most, before it looks at "
                         "traffic; 0: not at all.",
                 .min = 0,
                 .max = 60},
            }),
      Group("limits", "Sizes of tables; what does not fit is counted.",
            {
                {.name = "connections",
                 .type = Type::kInt,
                 .default_text = "65536",
                 .help = "Connections followed at once.",
                 .min = 64,
                 .max = 1048576},
                {.name = "processes",
                 .type = Type::kInt,
                 .default_text = "8192",
                 .help = "Processes known at once.",
                 .min = 64,
                 .max = 131072},
            }),
      Group("memory", "The ceiling of this process.",
            {
                {.name = "limit",
                 .type = Type::kSize,
                 .default_text = "256MiB",
                 .help = "Private memory at most, without the rings. Near it new connections are "
                         "not followed and the export queue is cut, over it captured data is "
                         "dropped; all of it is counted.",
                 .min = 32 << 20,
                 .max = 1ull << 40},
            }),
      Group("admin", "The agent's own listener: /metrics, /healthz, /readyz, /startz.",
            {
                {.name = "listen",
                 .type = Type::kString,
                 .default_text = "127.0.0.1:8890",
                 .help = "Its address."},
            }),
      Group("control", "The socket that watch and explain attach to.",
            {
                {.name = "socket",
                 .type = Type::kString,
                 .default_text = "/run/wirespan/agent.sock",
                 .help = "Its path, mode 0660; empty: none."},
                {.name = "group",
                 .type = Type::kString,
                 .help = "The group that may use it beside root."},
            }),
      Group("log", "The agent's log, on standard error.",
            {
                {.name = "level",
                 .type = Type::kChoice,
                 .default_text = "info",
                 .help = "OTEL_LOG_LEVEL overrides it.",
                 .choices = {"debug", "info", "warn", "error"}},
                {.name = "format",
                 .type = Type::kChoice,
                 .default_text = "text",
                 .help = "Lines for people or for machines.",
                 .choices = {"text", "json"}},
            }),
  };
}

}  // namespace

const config::Key& ConfigSchema() {
  static const config::Key schema = [] {
    std::vector<config::Key> keys = {Capture(), Node(), Exchanges(), Traces(), Metrics(), Export()};
    for (auto& key : Rest()) keys.push_back(std::move(key));
    return config::Group("", "", std::move(keys));
  }();
  return schema;
}

}  // namespace wirespan::app
