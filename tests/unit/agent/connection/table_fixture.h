#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connection/connection_table.h"
#include "tests/support/event_generator.h"
#include "tests/support/fake_clock.h"

namespace wirespan::connection {

// A table, its recorder and its counters.
struct TableUnderTest {
  explicit TableUnderTest(TableOptions options = {}) : table(options, clock, recorder, registry) {}

  void Send(const testing::OwnedEvent& event) { table.OnEvent(event.event); }
  void Send(const std::vector<testing::OwnedEvent>& events) {
    for (const testing::OwnedEvent& event : events) Send(event);
  }
  std::uint64_t Count(std::string_view name, std::initializer_list<std::string_view> values,
                      std::string_view label) {
    table.Publish();
    double sum = 0;
    for (const std::string_view value : values) {
      sum += registry.Value(name, {{std::string(label), std::string(value)}});
    }
    return static_cast<std::uint64_t>(sum);
  }
  std::uint64_t Dropped(std::string_view reason) {
    return Count("wirespan_exchanges_dropped_total", {reason}, "reason");
  }
  std::uint64_t AllDropped() {
    return Count("wirespan_exchanges_dropped_total",
                 {"response_lost", "response_invalid", "framing_lost", "desynchronized",
                  "pipeline_full", "upgraded", "table_full", "idle", "shutdown", "memory"},
                 "reason");
  }
  // The sums of docs/ledger.md, "connection".
  void ExpectClosedLedger() {
    table.Publish();
    const auto value = [&](std::string_view name) {
      return static_cast<std::uint64_t>(registry.Value(name));
    };
    EXPECT_EQ(value("wirespan_exchanges_opened_total"),
              value("wirespan_exchanges_reported_total") + AllDropped() + table.open_exchanges());
    EXPECT_EQ(Count("wirespan_messages_total", {"request"}, "kind"),
              value("wirespan_exchanges_opened_total"));
    EXPECT_EQ(Count("wirespan_messages_total", {"response"}, "kind"),
              value("wirespan_responses_paired_total") +
                  Count("wirespan_responses_dropped_total",
                        {"late_join", "no_request", "desynchronized", "stream_ended"}, "reason"));
    EXPECT_EQ(Count("wirespan_events_total", {"data"}, "kind"),
              Count("wirespan_data_events_total",
                    {"consumed", "duplicate", "empty", "ignored", "discarded", "memory"}, "fate") +
                  table.held_events());
    EXPECT_EQ(value("wirespan_exchanges_reported_total"), recorder.exchanges.size());
    EXPECT_EQ(recorder.open(), table.open_exchanges());
    EXPECT_EQ(recorder.breaches, 0u);
  }
  const protocol::Exchange& Only() {
    EXPECT_EQ(recorder.exchanges.size(), 1u);
    static const protocol::Exchange kNone;
    return recorder.exchanges.empty() ? kNone : recorder.exchanges.back().exchange;
  }

  testing::FakeClock clock{};
  testing::ExchangeRecorder recorder{};
  telemetry::Registry registry{};
  ConnectionTable table;
};

}  // namespace wirespan::connection
