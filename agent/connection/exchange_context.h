#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "agent/connection/coverage.h"
#include "agent/connection/ledger.h"
#include "agent/connection/observed_exchange.h"

namespace wirespan::connection {

// What all pairing shares, whatever the protocol: where exchanges go, and how many are under way.
// One thread.
struct ExchangeContext {
  ExchangeObserver& observer;
  Ledger& ledger;
  CoverageTable& coverage;
  std::uint64_t open_exchanges = 0;
  std::uint64_t next_key = 1;

  // An exchange that OnRequest began ends, well or badly.
  void Report(std::uint64_t key, std::shared_ptr<const ConnectionInfo> info,
              protocol::Exchange&& exchange) {
    ledger.Reported();
    ++coverage.Of(exchange.pid).exchanges;
    observer.OnExchange(key, {std::move(info), std::move(exchange)});
  }
  void Drop(std::uint64_t key, std::shared_ptr<const ConnectionInfo> info,
            protocol::Exchange&& exchange, ExchangeDrop reason) {
    ledger.Dropped(reason);
    exchange.outcome = protocol::Outcome::kLost;
    observer.OnExchange(key, {std::move(info), std::move(exchange)});
  }
};

}  // namespace wirespan::connection
