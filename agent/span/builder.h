#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "agent/connection/observed_exchange.h"
#include "agent/span/clock_offset.h"
#include "agent/span/inbound_ids.h"
#include "agent/span/metrics_sink.h"
#include "agent/span/options.h"
#include "agent/span/parent_links.h"
#include "agent/span/process_view.h"
#include "agent/span/span.h"
#include "agent/span/trace_limiter.h"
#include "common/base/clock.h"
#include "common/base/flat_map.h"
#include "common/telemetry/metrics.h"

namespace wirespan::span {

// Exchanges in, spans and RED metrics out. In this order: what is excluded, telemetry or ignored is
// dropped; the rest is counted by `metrics`; instrumented processes end there; the others'
// exchanges find their place among the others (ParentLinks, which may hold them), pass the sampler
// and the limiter, and leave as spans.
//
//   wirespan_span_exchanges_total = wirespan_span_spans_total + wirespan_span_dropped_total{reason}
//   + wirespan_span_held
//
// (docs/ledger.md, "span"). Everything on the pipeline's thread.
class SpanStage final : public connection::ExchangeObserver, private ResolvedSink {
 public:
  // All references outlive the stage.
  SpanStage(SpanOptions options, ProcessLookup& processes, SpanSink& sink, ExchangeMetrics& metrics,
            const Clock& clock, telemetry::Registry& registry);

  void OnRequest(std::uint64_t key, const connection::ConnectionInfo& connection,
                 const protocol::Exchange& exchange) override;
  void OnExchange(std::uint64_t key, connection::ObservedExchange observed) override;

  // To be called with ExitEvent: process ids are used again.
  void OnProcessExit(std::uint32_t pid);
  // About every 100 ms: lets out what waited too long, measures the clocks.
  void Tick();
  // Lets out all that waits: at shutdown, and when memory is short.
  void Flush();
  // New settings, from the next exchange on. `links` and `node` stay.
  void Reconfigure(SpanOptions options);

 private:
  struct Process {
    std::shared_ptr<const Resource> routed{};  // whose routes these are
    RouteSet routes{};
    std::uint64_t spans_sent = 0;
    bool instrumented = false;
    bool noted = false;  // NoteInstrumented was called
  };
  enum Reason : std::size_t {
    kExcluded,
    kTelemetry,
    kIgnored,
    kInstrumented,
    kDisabled,
    kSampledOut,
    kRateLimited,
    kReasons
  };

  void OnResolved(HeldExchange exchange, const Resolution& resolution) override;
  Process& ProcessOf(std::uint32_t pid);
  // The process' view now; notices when it became instrumented.
  ProcessView Look(std::uint32_t pid, Process& process);
  void NoteInstrumented(std::uint32_t pid, Process& process, bool exported);
  void FindRoute(Process& process, const std::shared_ptr<const Resource>& resource,
                 ExchangeFacts& facts);
  ParentLinks::Begin BeginOf(const connection::ConnectionInfo& connection,
                             const protocol::Exchange& exchange);
  bool MaybeLocal(const connection::ConnectionInfo& connection);
  std::int64_t OffsetOf(const protocol::Exchange& exchange,
                        const std::optional<Traceparent>& header);
  void Emit(const connection::ObservedExchange& observed, std::shared_ptr<const Resource> resource,
            MetricRef metric, const ExchangeFacts& facts, Process& process,
            const Resolution& resolution);
  void Drop(Reason reason) { dropped_[reason]->Add(); }
  void Publish();

  SpanOptions options_;
  ProcessLookup& processes_;
  SpanSink& sink_;
  ExchangeMetrics& metrics_;
  const Clock& clock_;
  ClockOffset offset_;
  ParentLinks links_;
  TraceLimiter limiter_;
  InboundIds inbound_;
  Span span_{};  // written again for each span, for its memory
  SpanScratch scratch_{};
  FlatMap<std::uint32_t, std::unique_ptr<Process>> known_processes_;
  Process forgotten_{};  // stands for those that exited before their last exchanges came out

  // Addresses that sockets of this node have: the other end of a connection to one of them may be
  // here.
  using Ip = std::array<std::uint8_t, 16>;
  FlatSet<Ip> local_ips_;
  Ip last_local_ip_{};

  // The clock offset of traces that a header named: their exchanges need no link to share it.
  FlatMap<TraceId, std::int64_t> trace_offsets_;
  std::deque<TraceId> trace_order_;

  telemetry::Counter& exchanges_;
  telemetry::Counter& spans_;
  std::array<telemetry::Counter*, kReasons> dropped_{};
  telemetry::Gauge& held_;
  telemetry::Gauge& open_;
  telemetry::Counter& late_instrumented_;
  telemetry::Counter& wire_none_;
  telemetry::Counter& bad_traceparent_;
  telemetry::Counter& clock_steps_;
  std::array<telemetry::Counter*, 4> parents_{};
  struct Published {
    telemetry::Counter* counter = nullptr;
    std::uint64_t LinkCounts::* field = nullptr;
    std::uint64_t seen = 0;
  };
  std::array<Published, 5> link_counts_{};
};

}  // namespace wirespan::span
