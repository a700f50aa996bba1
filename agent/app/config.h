#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/process/filter.h"
#include "agent/process/instrumented.h"
#include "agent/process/service_name.h"
#include "agent/span/ignore.h"
#include "agent/span/redact.h"
#include "agent/span/routes.h"

// What the agent's YAML file says, as values with their defaults: `run` needs no file.
// config_schema.cc declares the keys (docs/configuration.md lists them, a test compares),
// config_load.cc reads them.
namespace wirespan::app {

struct CaptureConfig {
  std::string backend = "auto";
  std::uint64_t ring_bytes = 16u << 20;
  std::uint32_t head_bytes = 16384;
  std::uint32_t http2_head_bytes = 65536;
  bool splice_at_once = false;
  bool statistics = false;
  std::chrono::milliseconds handover{30000};  // 0: nothing is left behind
  // Order: ports, in the kernel; then the rules of agent/process/filter.h.
  std::vector<std::uint16_t> include_ports{};
  std::vector<std::uint16_t> exclude_ports{};
  std::vector<process::ProcessMatch> include{};
  std::vector<process::ProcessMatch> exclude{};
  bool own_pod = false;
};

struct TracesConfig {
  process::TraceConfig mode{};
  std::string sampler = "parentbased_always_on";
  std::string sampler_arg{};
  std::uint64_t max_per_second = 0;  // 0: no limit
};

struct MetricsConfig {
  std::string listen = "127.0.0.1:9464";  // "" : no Prometheus endpoint
  bool body_sizes = false;
  bool server_address = false;
  std::chrono::milliseconds interval{60000};
  std::uint32_t max_series_per_service = 2000;
  std::uint32_t max_series = 20000;
  std::chrono::milliseconds expire_after{300000};
};

struct ExportConfig {  // both signals; empty strings: not said
  std::string protocol{};
  std::string endpoint{};
  std::string compression{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::chrono::milliseconds timeout{10000};
  bool insecure = false;
  std::string ca_file{};
  std::string certificate_file{};
  std::string key_file{};
  std::chrono::milliseconds reload_interval{60000};  // of these three; 0: never
  std::uint64_t queue_bytes = 32u << 20;
  std::uint32_t batch_spans = 1000;
  std::chrono::milliseconds batch_delay{1000};
  std::uint32_t concurrent_requests = 2;
  std::chrono::milliseconds max_elapsed{300000};
  std::chrono::milliseconds shutdown_timeout{5000};
  bool self_report = true;
};

struct KubernetesConfig {
  std::string enabled = "auto";  // "on", "off"
  std::string node_name{};       // "" : NODE_NAME's or K8S_NODE_NAME's
  std::string server{};          // "" : as a pod finds it
  std::string token_file{};
  std::string ca_file{};
  std::vector<std::string> pod_labels{};  // globs
  std::vector<std::string> pod_annotations{};
  std::chrono::milliseconds startup_wait{3000};
};

struct NodeConfig {
  std::string root{};                  // "<root>/proc" is the host's; "": this file system's
  std::string other_agents = "yield";  // "ignore"
};

struct Config {
  NodeConfig node{};
  CaptureConfig capture{};
  std::vector<span::IgnoreRule> ignore{};   // exchanges.ignore
  std::uint32_t max_connections = 65536;    // limits.connections
  std::uint32_t max_processes = 8192;       // limits.processes
  std::uint64_t memory_limit = 256u << 20;  // memory.limit
  std::vector<process::ServiceRule> services{};
  bool command_args = false;  // resource.command_args
  KubernetesConfig kubernetes{};
  std::vector<span::RouteRule> routes{};
  span::QueryRedaction redact_query = span::QueryRedaction::kKnown;
  span::ClientAddress client_address = span::ClientAddress::kFull;
  TracesConfig traces{};
  MetricsConfig metrics{};
  ExportConfig exporting{};
  std::string admin_listen = "127.0.0.1:8890";
  std::string control_socket = "/run/wirespan/agent.sock";  // "" : none
  std::string control_group{};                              // gets the socket; "" : root's
  std::string log_level = "info";
  std::string log_format = "text";

  std::string source{};  // file it came from, "" : defaults
  std::uint64_t hash = 0;
};

}  // namespace wirespan::app
