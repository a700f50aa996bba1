#include "agent/connection/ledger.h"

#include <string>

namespace wirespan::connection {
namespace {

// One counter for each value of a label.
template <std::size_t N>
void Register(telemetry::Registry& registry, std::array<telemetry::Counter*, N>& counters,
              std::string_view name, std::string_view help, std::string_view label,
              const std::array<std::string_view, N>& values) {
  for (std::size_t i = 0; i < N; ++i) {
    counters[i] = &registry.counter(name, help, {{std::string(label), std::string(values[i])}});
  }
}

}  // namespace

Ledger::Ledger(telemetry::Registry& registry) {
  Register<6>(registry, events_.counters, "wirespan_events_total",
              "Events from the source, by kind.", "kind",
              {"open", "data", "close", "tls", "exec", "exit"});
  Register<6>(
      registry, data_.counters, "wirespan_data_events_total",
      "Data events by what became of them; those held now are in wirespan_data_events_held.",
      "fate", {"consumed", "duplicate", "empty", "ignored", "discarded", "memory"});
  Register<3>(registry, messages_.counters, "wirespan_messages_total",
              "Heads of messages that were read, by kind.", "kind",
              {"request", "response", "interim"});
  opened_.counters[0] =
      &registry.counter("wirespan_exchanges_opened_total", "Exchanges whose request was seen.");
  reported_.counters[0] = &registry.counter("wirespan_exchanges_reported_total",
                                            "Exchanges handed on to spans and metrics.");
  Register<10>(registry, dropped_.counters, "wirespan_exchanges_dropped_total",
               "Exchanges whose request was seen and that are not reported, by reason.", "reason",
               {"response_lost", "response_invalid", "framing_lost", "desynchronized",
                "pipeline_full", "upgraded", "table_full", "idle", "shutdown", "memory"});
  paired_.counters[0] = &registry.counter("wirespan_responses_paired_total",
                                          "Final responses that belong to an exchange.");
  Register<4>(registry, responses_dropped_.counters, "wirespan_responses_dropped_total",
              "Final responses that belong to no known request, by reason.", "reason",
              {"late_join", "no_request", "desynchronized", "stream_ended"});
  Register<2>(registry, heads_lost_.counters, "wirespan_heads_lost_total",
              "Places where a head should have begun and nothing readable was (each hides one "
              "message or more).",
              "direction", {"request", "response"});
  gaps_.counters[0] = &registry.counter("wirespan_stream_gaps_total",
                                        "Missing stretches that were given up waiting for.");
  hold_full_.counters[0] = &registry.counter("wirespan_stream_hold_full_total",
                                             "Times that a bound on held events was reached.");
  connections_opened_.counters[0] =
      &registry.counter("wirespan_connections_opened_total", "Connections taken into the table.");
  connections_refused_.counters[0] =
      &registry.counter("wirespan_connections_refused_total",
                        "Connections that were not followed because memory was near its limit.");
  Register<6>(registry, connections_ended_.counters, "wirespan_connections_ended_total",
              "Connections that left the table, by reason.", "reason",
              {"gone", "process_exit", "idle", "table_full", "shutdown", "memory"});
  streams_unseen_.counters[0] = &registry.counter(
      "wirespan_http2_streams_unseen_total",
      "HTTP/2 streams whose request was lost, by the stream numbers that followed.");
  header_lists_cut_.counters[0] =
      &registry.counter("wirespan_http2_header_lists_cut_total",
                        "HTTP/2 header lists longer than the bound, whose rest was not kept.");
  pushed_.counters[0] = &registry.counter("wirespan_http2_pushes_total",
                                          "HTTP/2 streams that servers promised; not followed.");
  wrong_guesses_.counters[0] = &registry.counter(
      "wirespan_protocol_guesses_wrong_total",
      "Connections joined late that were taken for HTTP/2 and turned out to be none.");
  pid_overflow_.counters[0] = &registry.counter(
      "wirespan_coverage_overflow_total",
      "Processes whose coverage was forgotten because the table of processes was full.");
}

template <class Visit>
void Ledger::ForEach(Visit visit) {
  visit(events_), visit(data_), visit(messages_), visit(opened_), visit(reported_), visit(dropped_),
      visit(paired_);
  visit(responses_dropped_), visit(heads_lost_), visit(gaps_), visit(hold_full_),
      visit(connections_opened_);
  visit(connections_refused_), visit(connections_ended_), visit(pid_overflow_);
  visit(streams_unseen_), visit(header_lists_cut_), visit(pushed_), visit(wrong_guesses_);
}

void Ledger::Publish() {
  ForEach([](auto& family) {
    for (std::size_t i = 0; i < family.fresh.size(); ++i) {
      if (family.fresh[i] != 0) family.counters[i]->Add(family.fresh[i]);
      family.fresh[i] = 0;
    }
  });
}

}  // namespace wirespan::connection
