#include "agent/span/builder.h"

#include <algorithm>
#include <string>

namespace wirespan::span {
namespace {

using connection::ConnectionInfo;
using connection::Family;
using protocol::Exchange;

constexpr std::size_t kMaxProcesses = 65536;
constexpr std::size_t kMaxLocalIps = 4096;
constexpr std::size_t kMaxTraceOffsets = 4096;

bool IsLoopback(const connection::Endpoint& end) {
  if (end.family == Family::kInet) return end.ip[0] == 127;
  if (end.family != Family::kInet6) return false;
  return end.ip[15] == 1 &&
         std::all_of(end.ip.begin(), end.ip.end() - 1, [](auto byte) { return byte == 0; });
}

}  // namespace

SpanStage::SpanStage(SpanOptions options, ProcessLookup& processes, SpanSink& sink,
                     ExchangeMetrics& metrics, const Clock& clock, telemetry::Registry& registry)
    : options_(std::move(options)),
      processes_(processes),
      sink_(sink),
      metrics_(metrics),
      clock_(clock),
      offset_(clock),
      links_(options_.links, *this),
      limiter_(options_.max_traces_per_second),
      inbound_(clock.monotonic_ns()),
      exchanges_(registry.counter("wirespan_span_exchanges_total",
                                  "Exchanges that entered the span stage")),
      spans_(registry.counter("wirespan_span_spans_total", "Spans handed to the exporter")),
      held_(registry.gauge("wirespan_span_held", "Finished exchanges that wait for their parent")),
      open_(registry.gauge("wirespan_span_open", "Exchanges that have begun and not ended")),
      late_instrumented_(
          registry.counter("wirespan_span_late_instrumented_total",
                           "Spans sent of a process before it proved to report its own")),
      wire_none_(
          registry.counter("wirespan_span_wire_none_total",
                           "Exchanges whose id the other end cannot compute (wirespan.wire=none)")),
      bad_traceparent_(registry.counter("wirespan_span_bad_traceparent_total",
                                        "traceparent headers that are invalid")),
      clock_steps_(registry.counter("wirespan_span_clock_steps_total",
                                    "Steps of the wall clock that were noticed")) {
  static constexpr std::string_view kNames[kReasons] = {"excluded",     "telemetry", "ignored",
                                                        "instrumented", "disabled",  "sampled_out",
                                                        "rate_limited"};
  for (std::size_t i = 0; i < kReasons; ++i) {
    dropped_[i] = &registry.counter("wirespan_span_dropped_total", "Exchanges that became no span",
                                    {{"reason", std::string(kNames[i])}});
  }
  static constexpr std::string_view kMethods[] = {"none", "header", "wire", "thread"};
  for (std::size_t i = 0; i < parents_.size(); ++i) {
    parents_[i] =
        &registry.counter("wirespan_span_parents_total", "Spans by the way their parent was found",
                          {{"method", std::string(kMethods[i])}});
  }
  const auto unlinked = [&](const char* reason) {
    return &registry.counter("wirespan_span_unlinked_total",
                             "Links between exchanges that were given up or refused",
                             {{"reason", reason}});
  };
  link_counts_ = {Published{unlinked("age"), &LinkCounts::released_age, 0},
                  Published{unlinked("full"), &LinkCounts::released_full, 0},
                  Published{unlinked("untracked"), &LinkCounts::untracked, 0},
                  Published{unlinked("ambiguous"), &LinkCounts::ambiguous, 0},
                  Published{unlinked("thread"), &LinkCounts::thread_refused, 0}};
}

void SpanStage::Reconfigure(SpanOptions options) {
  options.node = options_.node;
  options.links = options_.links;
  if (options.max_traces_per_second != options_.max_traces_per_second) {
    limiter_ = TraceLimiter(options.max_traces_per_second);
  }
  options_ = std::move(options);
  for (auto& [pid, process] : known_processes_) process->routed = nullptr;
  forgotten_.routed = nullptr;
}

SpanStage::Process& SpanStage::ProcessOf(std::uint32_t pid) {
  const auto found = known_processes_.find(pid);
  if (found != known_processes_.end()) return *found->second;
  if (known_processes_.size() >= kMaxProcesses) known_processes_.erase(known_processes_.begin());
  return *known_processes_.try_emplace(pid, std::make_unique<Process>()).first->second;
}

ProcessView SpanStage::Look(std::uint32_t pid, Process& process) {
  ProcessView view = processes_.Find(pid);
  if (view.instrumented && !process.instrumented) {
    late_instrumented_.Add(process.spans_sent);
    process.spans_sent = 0;
  }
  process.instrumented = view.instrumented;
  return view;
}

void SpanStage::NoteInstrumented(std::uint32_t pid, Process& process, bool exported) {
  process.noted = true;
  processes_.NoteInstrumented(pid, exported);
  Look(pid, process);
}

bool SpanStage::MaybeLocal(const ConnectionInfo& connection) {
  if (connection.local.family == Family::kUnix) return true;
  if (connection.local.ip != last_local_ip_ && local_ips_.size() < kMaxLocalIps) {
    local_ips_.insert(connection.local.ip);
    last_local_ip_ = connection.local.ip;
  }
  return IsLoopback(connection.remote) || local_ips_.contains(connection.remote.ip);
}

std::int64_t SpanStage::OffsetOf(const Exchange& exchange,
                                 const std::optional<Traceparent>& header) {
  if (!header) return offset_.At(exchange.request_start_ns);
  const auto known = trace_offsets_.find(header->trace_id);
  if (known != trace_offsets_.end()) return known->second;
  const std::int64_t offset = offset_.At(exchange.request_start_ns);
  if (trace_order_.size() >= kMaxTraceOffsets) {
    trace_offsets_.erase(trace_order_.front());
    trace_order_.pop_front();
  }
  trace_offsets_.emplace(header->trace_id, offset);
  trace_order_.push_back(header->trace_id);
  return offset;
}

ParentLinks::Begin SpanStage::BeginOf(const ConnectionInfo& connection, const Exchange& exchange) {
  ParentLinks::Begin begin;
  begin.side = exchange.side;
  begin.pid = exchange.pid;
  begin.tid = exchange.request_tid;
  begin.stream = exchange.protocol == protocol::Protocol::kHttp2 ||
                 exchange.protocol == protocol::Protocol::kGrpc;
  begin.identity = Identify(connection, exchange, options_.node);
  begin.maybe_local = MaybeLocal(connection);
  if (!exchange.traceparent.empty()) {
    begin.header = ParseTraceparent(exchange.traceparent);
    if (!begin.header) bad_traceparent_.Add();
  }
  begin.offset_ns = OffsetOf(exchange, begin.header);
  return begin;
}

void SpanStage::OnRequest(std::uint64_t key, const ConnectionInfo& connection,
                          const Exchange& exchange) {
  if (!options_.traces) return;
  Process& process = ProcessOf(exchange.pid);
  const ProcessView view = Look(exchange.pid, process);
  if (!view.reported) return;
  const std::uint64_t now = clock_.monotonic_ns();
  const bool client = exchange.side == protocol::Side::kClient;
  const bool telemetry = IsTelemetryExport(exchange);
  ParentLinks::Begin begin = BeginOf(connection, exchange);
  if (client && telemetry && !process.noted) {
    NoteInstrumented(exchange.pid, process, true);
  } else if (begin.header && !client) {
    if (!process.noted && !process.instrumented)
      inbound_.Add(exchange.pid, begin.header->parent_id, now);
  } else if (begin.header && !process.noted && !process.instrumented && !telemetry &&
             !inbound_.MayHaveComeIn(exchange.pid, begin.header->parent_id, now) &&
             !links_.HasOpenServerWithParent(exchange.pid, begin.header->parent_id)) {
    NoteInstrumented(exchange.pid, process, false);
  }
  begin.reported = !process.instrumented && !telemetry && !options_.ignore.Matches(exchange);
  links_.OnBegin(key, begin, now);
}

void SpanStage::FindRoute(Process& process, const std::shared_ptr<const Resource>& resource,
                          ExchangeFacts& facts) {
  if (options_.routes.empty() || !facts.server || resource == nullptr) return;
  if (facts.target.path.empty()) return;  // a gRPC call, CONNECT, or not known
  if (process.routed != resource) {
    process.routes = options_.routes.ForService(resource->service_name);
    process.routed = resource;
  }
  facts.route = process.routes.Match(facts.target.path);
}

void SpanStage::OnExchange(std::uint64_t key, connection::ObservedExchange observed) {
  const std::uint64_t now = clock_.monotonic_ns();
  if (observed.exchange.outcome == protocol::Outcome::kLost) {  // counted where it was lost
    links_.OnDropped(key, observed.exchange.response_tid, now);
    return Publish();
  }
  exchanges_.Add();
  const Exchange& exchange = observed.exchange;
  Process& process = ProcessOf(exchange.pid);
  ProcessView view = Look(exchange.pid, process);
  const auto drop = [&](Reason reason) {
    links_.OnDropped(key, exchange.response_tid, now);
    Drop(reason);
    Publish();
  };
  if (!view.reported) return drop(kExcluded);
  if (IsTelemetryExport(exchange)) return drop(kTelemetry);
  if (options_.ignore.Matches(exchange)) return drop(kIgnored);

  ExchangeFacts facts;
  ComputeFacts(*observed.connection, exchange, options_.known_methods, facts);
  FindRoute(process, view.resource, facts);
  facts.instrumented = process.instrumented;
  const std::uint64_t utc = now + static_cast<std::uint64_t>(offset_.At(now));
  const MetricRef metric = metrics_.Record(view.resource, facts, exchange, now, utc);
  if (process.instrumented) return drop(kInstrumented);
  if (!options_.traces) return drop(kDisabled);

  Resolution resolution;
  switch (links_.OnEnd(key, observed, view.resource, metric, now, resolution)) {
    case ParentLinks::End::kHeld:
      break;
    case ParentLinks::End::kUnknown:
      resolution = ParentLinks::Untracked(BeginOf(*observed.connection, exchange));
      [[fallthrough]];
    case ParentLinks::End::kResolved:
      Emit(observed, std::move(view.resource), metric, facts, process, resolution);
      break;
  }
  Publish();
}

void SpanStage::OnResolved(HeldExchange exchange, const Resolution& resolution) {
  const auto known = known_processes_.find(exchange.observed.exchange.pid);
  Process& process = known != known_processes_.end() ? *known->second : forgotten_;
  if (process.instrumented) return Drop(kInstrumented);
  ExchangeFacts facts;
  ComputeFacts(*exchange.observed.connection, exchange.observed.exchange, options_.known_methods,
               facts);
  FindRoute(process, exchange.resource, facts);
  Emit(exchange.observed, std::move(exchange.resource), exchange.metric, facts, process,
       resolution);
}

void SpanStage::Emit(const connection::ObservedExchange& observed,
                     std::shared_ptr<const Resource> resource, MetricRef metric,
                     const ExchangeFacts& facts, Process& process, const Resolution& resolution) {
  const TraceContext& context = resolution.context;
  if (!options_.sampler.Keep(context.trace_id, context.remote, context.flags))
    return Drop(kSampledOut);
  if (options_.max_traces_per_second != 0 &&
      !limiter_.Keep(context.trace_id, clock_.monotonic_ns())) {
    return Drop(kRateLimited);
  }
  const Exchange& exchange = observed.exchange;
  Span& span = span_;
  span.trace_id = context.trace_id;
  span.kind = facts.server ? Kind::kServer : Kind::kClient;
  span.span_id = facts.server ? ServerSpanId(resolution.identity.wire_id)
                              : ClientSpanId(resolution.identity.wire_id);
  span.parent_id = resolution.parent_id;
  span.flags = static_cast<std::uint8_t>(context.flags | 1);
  span.trace_state = exchange.tracestate.empty() || !context.remote
                         ? Text()
                         : Text::Borrow(BoundedTracestate(exchange.tracestate));
  span.status = facts.status;
  span.status_message = facts.rpc != nullptr && facts.status == Status::kError
                            ? Text::Borrow(facts.rpc->message)
                            : Text();
  span.start_ns = exchange.request_start_ns + static_cast<std::uint64_t>(context.offset_ns);
  span.end_ns = span.start_ns + facts.duration_ns;
  span.name = SpanName(facts, scratch_);
  SpanAttributes(*observed.connection, exchange, facts, resolution.identity, resolution.method,
                 options_.attributes, scratch_, span.attributes);
  span.resource = std::move(resource);
  if (resolution.identity.kind == WireKind::kNone) wire_none_.Add();
  parents_[static_cast<std::size_t>(resolution.method)]->Add();
  metrics_.Exemplify(metric, static_cast<double>(facts.duration_ns) * 1e-9, span.end_ns,
                     span.trace_id, span.span_id);
  ++process.spans_sent;
  spans_.Add();
  sink_.Accept(span);
  span.resource.reset();
}

void SpanStage::OnProcessExit(std::uint32_t pid) {
  known_processes_.erase(pid);
  links_.OnProcessExit(pid, clock_.monotonic_ns());
}

void SpanStage::Tick() {
  const std::uint64_t steps = offset_.steps();
  offset_.Tick();
  clock_steps_.Add(offset_.steps() - steps);
  links_.Tick(clock_.monotonic_ns());
  for (Published& published : link_counts_) {
    const std::uint64_t value = links_.counts().*published.field;
    published.counter->Add(value - published.seen);
    published.seen = value;
  }
  open_.Set(static_cast<double>(links_.open() - links_.held()));
  Publish();
}

void SpanStage::Flush() {
  links_.ReleaseAll();
  Tick();
}

void SpanStage::Publish() { held_.Set(static_cast<double>(links_.held())); }

}  // namespace wirespan::span
