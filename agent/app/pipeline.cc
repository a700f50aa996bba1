#include "agent/app/pipeline.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "agent/app/left_state.h"
#include "agent/process/coverage.h"
#include "agent/process/host.h"
#include "agent/process/own.h"
#include "common/base/strings.h"
#include "common/base/version.h"

namespace wirespan::app {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

const char* Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// "0b9d...-..." as 16 bytes; what is not a UUID stays zero.
std::array<std::uint8_t, 16> ParseUuid(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  std::string digits;
  for (const char c : text) {
    if (c != '-') digits += c;
  }
  if (digits.size() != 32) return bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] =
        static_cast<std::uint8_t>(ParseHex(std::string_view(digits).substr(2 * i, 2)).value_or(0));
  }
  return bytes;
}

metric::RedOptions RedOptionsOf(const Config& config) {
  metric::RedOptions options;
  options.body_sizes = config.metrics.body_sizes;
  options.server_address_on_server = config.metrics.server_address;
  options.max_series_per_service = config.metrics.max_series_per_service;
  options.max_series = config.metrics.max_series;
  options.idle_expiry = config.metrics.expire_after;
  return options;
}

}  // namespace

process::TableLimits Pipeline::ProcessLimitsOf(const Config& config) {
  process::TableLimits limits;
  limits.max_processes = config.max_processes;
  return limits;
}

span::NodeIdentity Pipeline::NodeIdentityNow() {
  return {.boot_id = ParseUuid(process::ReadHost().boot_id), .run_id = SystemClock().realtime_ns()};
}

process::TableConfig Pipeline::TableConfigOf(const Config& config,
                                             const KubernetesView& kubernetes) {
  process::TableConfig table;
  table.filter.include = config.capture.include;
  table.filter.exclude = config.capture.exclude;
  table.filter.own_pid = static_cast<std::uint32_t>(getpid());
  table.filter.only_own_pod = config.capture.own_pod;
  if (config.capture.own_pod) {
    table.resource.own_pod = {.uid = Environment("POD_UID"),
                              .name = Environment("POD_NAME"),
                              .name_space = Environment("POD_NAMESPACE")};
  }
  // What can't be read was refused at the start.
  if (auto own = process::ReadOwnProcess(config.node.root)) {
    table.filter.own_pid = own->pid;
    table.filter.own_pod = process::PodScope::Of(own->placement);
  }
  table.services = config.services;
  table.traces = config.traces.mode;
  table.resource.version = kVersion;
  table.resource.command_args = config.command_args;
  table.pods = kubernetes.pods;
  table.resource.node_name = kubernetes.node_name;
  // Patterns that do not compile were refused when the configuration was read.
  if (auto labels = GlobSet::Compile(config.kubernetes.pod_labels))
    table.resource.pod_labels = std::move(*labels);
  if (auto annotations = GlobSet::Compile(config.kubernetes.pod_annotations))
    table.resource.pod_annotations = std::move(*annotations);
  table.attach = ProcessBridge::ToResource;
  return table;
}

Result<span::SpanOptions> Pipeline::SpanOptionsOf(const Config& config,
                                                  const span::NodeIdentity& node) {
  span::SpanOptions options;
  options.node = node;
  options.traces = Environment("OTEL_TRACES_EXPORTER") != std::string("none");
  auto sampler = span::Sampler::Parse(config.traces.sampler, config.traces.sampler_arg);
  if (!sampler) return tl::unexpected(std::move(sampler.error()));
  options.sampler = *sampler;
  options.max_traces_per_second = static_cast<std::uint32_t>(config.traces.max_per_second);
  const std::string methods = Environment("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
  if (!methods.empty()) options.known_methods = span::KnownMethods(methods);
  options.attributes = {.query = config.redact_query, .client_address = config.client_address};
  auto routes = span::Routes::Compile(config.routes);
  if (!routes) return tl::unexpected(std::move(routes.error()));
  options.routes = std::move(*routes);
  auto ignore = span::IgnoreRules::Compile(config.ignore);
  if (!ignore) return tl::unexpected(std::move(ignore.error()));
  options.ignore = std::move(*ignore);
  return options;
}

connection::TableOptions Pipeline::ConnectionOptionsOf(const Config& config) {
  connection::TableOptions options;
  options.max_connections = config.max_connections;
  options.max_http2_head_bytes = config.capture.http2_head_bytes;
  return options;
}

Result<std::unique_ptr<Pipeline>> Pipeline::Create(const Config& config, kernel::LiveSource* source,
                                                   span::SpanSink& sink, const Clock& clock,
                                                   telemetry::Registry& registry,
                                                   const Recorded* recorded,
                                                   KubernetesView kubernetes) {
  auto options = SpanOptionsOf(config, recorded != nullptr ? recorded->node : NodeIdentityNow());
  if (!options) return tl::unexpected(std::move(options.error()));
  return std::unique_ptr<Pipeline>(
      new Pipeline(config, std::move(*options), source, sink, clock, registry,
                   recorded != nullptr ? recorded->processes : nullptr, std::move(kubernetes)));
}

Pipeline::Pipeline(const Config& config, span::SpanOptions options, kernel::LiveSource* source,
                   span::SpanSink& sink, const Clock& clock, telemetry::Registry& registry,
                   span::ProcessLookup* recorded, KubernetesView kubernetes)
    : clock_(clock),
      node_(options.node),
      live_(recorded == nullptr),
      source_(source),
      kubernetes_(std::move(kubernetes)),
      root_(config.node.root),
      processes_(root_, process::ReadHost(), TableConfigOf(config, kubernetes_),
                 ProcessLimitsOf(config), registry),
      bridge_(processes_, source),
      red_(RedOptionsOf(config), registry),
      spans_(std::move(options), recorded == nullptr ? bridge_ : *recorded, sink, red_, clock,
             registry),
      connections_(ConnectionOptionsOf(config), clock, spans_, registry) {
  if (source == nullptr) return;
  processes_.SeeGroups(process::CgroupView(source->own_groups()));
  verdicts_gauge_ = &registry.gauge("wirespan_bpf_map_entries",
                                    "Entries of tables in the kernel that may become full",
                                    {{"map", "verdicts"}});
  registry
      .gauge("wirespan_bpf_map_capacity", "How many entries these tables have room for",
             {{"map", "verdicts"}})
      .Set(static_cast<double>(ProcessBridge::kMostTold));
}

void Pipeline::OnEvent(const connection::Event& event) {
  if (--events_to_checkpoint_ == 0) {
    events_to_checkpoint_ = kCheckpointEvents;
    if (checkpoint_) checkpoint_();
  }
  if (live_) MeetProcesses(event);
  connections_.OnEvent(event);
  if (const auto* exit = std::get_if<connection::ExitEvent>(&event))
    spans_.OnProcessExit(exit->pid);
}

void Pipeline::MeetProcesses(const connection::Event& event) {
  std::visit(Overloaded{
                 [&](const connection::OpenEvent& open) { bridge_.Meet(open.pid); },
                 [&](const connection::ExecEvent& exec) {
                   processes_.OnExec(exec.pid, exec.parent_pid, exec.ts_ns, exec.filename,
                                     exec.arguments, exec.groups);
                   bridge_.Forget(exec.pid);
                   bridge_.Meet(exec.pid);
                 },
                 [&](const connection::ExitEvent& exit) {
                   processes_.OnExit(exit.pid, exit.ts_ns);
                   bridge_.Forget(exit.pid);
                 },
                 [&](const auto&) {},
             },
             event);
}

void Pipeline::Tick() { TickAt(clock_.monotonic_ns()); }

void Pipeline::TickAt(std::uint64_t now_ns) {
  processes_.Advance(now_ns);
  // A pod's namespace or labels may change the filter's word, which the kernel must hear.
  for (const auto pid : processes_.TakeRevised()) bridge_.Meet(pid);
  connections_.Tick(now_ns);
  spans_.Tick();
  red_.Tick(now_ns);
  if (verdicts_gauge_ != nullptr) verdicts_gauge_->Set(static_cast<double>(bridge_.told()));
}

void Pipeline::SetPressure(connection::Pressure pressure) {
  connections_.SetPressure(pressure);
  if (pressure == connection::Pressure::kOver) spans_.Flush();
}

void Pipeline::Flush() {
  connections_.Shutdown();
  spans_.Flush();
}

std::string Pipeline::Save() const {
  constexpr std::size_t kMaxBytes = 8u << 20;
  return EncodeLeftState({connections_.ExportOpens(), connections_.ExportTables()}, kMaxBytes);
}

std::size_t Pipeline::Restore(std::string_view state) {
  auto left = DecodeLeftState(state);
  if (!left) return 0;
  for (const connection::OpenEvent& open : left->opens) {
    MeetProcesses(open);
    connections_.AdoptOpen(open);
  }
  connections_.AdoptTables(std::move(left->tables));
  return left->opens.size();
}

Result<> Pipeline::Reconfigure(const Config& config) {
  auto options = SpanOptionsOf(config, node_);
  if (!options) return tl::unexpected(std::move(options.error()));
  if (source_ != nullptr) {
    if (auto set = source_->SetPorts(config.capture.include_ports, config.capture.exclude_ports);
        !set)
      return set;
  }
  spans_.Reconfigure(std::move(*options));
  auto table = TableConfigOf(config, kubernetes_);
  table.filter.left_out = left_out_;
  processes_.Reconfigure(std::move(table));
  bridge_.JudgeAgain();
  return {};
}

void Pipeline::SetLeftOut(std::vector<process::PodScope> pods) {
  left_out_ = std::move(pods);
  auto table = processes_.config();
  table.filter.left_out = left_out_;
  processes_.Reconfigure(std::move(table));
  bridge_.JudgeAgain();
}

Explanation Pipeline::Explain() {
  FlatMap<std::uint32_t, connection::Coverage> seen;
  for (auto& coverage : connections_.CoverageOf()) seen.emplace(coverage.pid, std::move(coverage));
  Explanation explanation;
  process::HeldFiles kernel;
  if (source_ != nullptr)
    kernel = [this](const auto& visit) { return source_->ForEachHeldFile(visit); };
  const auto report = process::TakeCoverage(root_, {}, kernel);
  for (const auto& sockets : report.processes) {
    const process::Process& process = processes_.Find(sockets.pid);
    ProcessExplanation one;
    one.pid = sockets.pid;
    one.service = process.service.name;
    if (const auto& [pod, container] = process.info.kubernetes; pod != nullptr) {
      one.pod = pod->name_space + "/" + pod->name + (container.empty() ? "" : "/" + container);
    } else if (!process.info.placement.pod_uid.empty()) {
      one.pod_unknown = process.info.placement.pod_uid;
    }
    one.executable = sockets.executable;
    one.service_name_source = process::NameSourceText(process.service.source);
    for (const auto& listening : sockets.listening) {
      if (listening.port != 0) one.listening.push_back(listening.port);
    }
    // The same port on several addresses is one to a reader.
    std::sort(one.listening.begin(), one.listening.end());
    one.listening.erase(std::unique(one.listening.begin(), one.listening.end()),
                        one.listening.end());
    one.connections = sockets.tcp_connections + sockets.unix_connections;
    one.seen = process.filter.observed;
    if (!one.seen) one.rule = process::DescribeDecision(processes_.config().filter, process.filter);
    one.instrumented = !process.traces.spans;
    if (one.instrumented) one.instrumented_why = process::DescribeTraceDecision(process.traces);
    one.io_urings = sockets.io_urings;
    one.thirty_two_bit = sockets.thirty_two_bit;
    if (const auto found = seen.find(sockets.pid); found != seen.end()) {
      const auto& coverage = found->second;
      one.http1_connections = coverage.http1_connections;
      one.exchanges = coverage.exchanges;
      one.tls_connections = coverage.tls_connections;
      for (const auto& peer : coverage.tls) {
        one.tls_names.push_back((peer.sni.empty() ? "no name" : peer.sni) +
                                (peer.alpn.empty() ? "" : " (" + peer.alpn + ")"));
      }
      one.http2_connections = coverage.http2_connections;
      one.open_streams = coverage.open_streams;
      if (coverage.oldest_stream_ns != 0) {
        const std::uint64_t now_ns = std::max(clock_.monotonic_ns(), coverage.oldest_stream_ns);
        one.oldest_stream_seconds = (now_ns - coverage.oldest_stream_ns) / 1'000'000'000;
      }
      one.opaque_connections = coverage.opaque_connections;
      one.upgraded_connections = coverage.upgraded_connections;
      one.unseen_bytes = coverage.unseen_bytes;
    }
    explanation.processes.push_back(std::move(one));
  }
  for (const auto inode : report.namespaces_unread) {
    explanation.notes.push_back("network namespace " + std::to_string(inode) +
                                " could not be entered: its sockets are not listed here");
  }
  return explanation;
}

}  // namespace wirespan::app
