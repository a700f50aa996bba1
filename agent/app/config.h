#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

// What the agent's YAML file says, as values with their defaults: `run` needs no file. config_schema.cc declares the
// keys (docs/configuration.md lists them, a test compares), config_load.cc reads them.
namespace wirespan::app {

// Conditions on a process. Within a list one match is enough; globs as in common/base/glob.h.
struct ProcessMatch {
  std::vector<std::string> executables{};    // full path, or name where the glob has no '/'
  std::vector<std::string> command_lines{};  // arguments joined by blanks
  std::vector<std::uint32_t> pids{};
  std::vector<std::string> cgroups{};        // path below the hierarchy's root
  std::vector<std::string> containers{};     // id or name
  std::vector<std::uint16_t> ports{};        // of either end
};

struct CaptureConfig {
  std::string backend = "auto";
  std::uint64_t ring_bytes = 16u << 20;
  std::uint32_t head_bytes = 16384;
  bool statistics = false;
  ProcessMatch include{};
  ProcessMatch exclude{};
};

struct NameRule {  // the first rule whose globs all match names the service
  std::string name{};
  std::string executable{};
  std::string command_line{};
  std::string container{};
};

struct RouteRule {
  std::string service = "*";
  std::vector<std::string> patterns{};
};

struct IgnoreRule {  // all given globs must match
  std::string path{};
  std::string method{};
  std::string user_agent{};
};

struct TracesConfig {
  std::string mode = "auto";  // always | auto | never
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

struct SignalConfig {  // empty strings: not said
  std::string enabled{};
  std::string protocol{};
  std::string endpoint{};
  std::string compression{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::chrono::milliseconds timeout{10000};
  bool insecure = false;
  std::string ca_file{};
  std::string certificate_file{};
  std::string key_file{};
};

struct ExportConfig {
  SignalConfig common{};  // for both signals
  std::uint64_t queue_bytes = 32u << 20;
  std::uint32_t batch_spans = 1000;
  std::chrono::milliseconds batch_delay{1000};
  std::uint32_t concurrent_requests = 2;
  std::chrono::milliseconds max_elapsed{300000};
  std::chrono::milliseconds shutdown_timeout{5000};
};

struct Config {
  CaptureConfig capture{};
  std::vector<IgnoreRule> ignore{};      // exchanges.ignore
  std::uint32_t max_connections = 65536;
  std::vector<NameRule> names{};         // services
  std::vector<RouteRule> routes{};
  std::string redact_query = "known";
  std::string client_address = "full";
  TracesConfig traces{};
  MetricsConfig metrics{};
  ExportConfig exporting{};
  std::string admin_listen = "127.0.0.1:8890";
  std::string control_socket = "/run/wirespan/agent.sock";  // "" : none
  std::string control_group{};  // gets the socket; "" : root's
  std::string log_level = "info";
  std::string log_format = "text";

  std::string source{};  // file it came from, "" : defaults
  std::uint64_t hash = 0;
};

}  // namespace wirespan::app
