#pragma once

#include <map>
#include <string>

namespace wirespan::gateway::testing {

// One scrape of a gateway's /metrics: value by series as it is printed, name{labels}.
using Scrape = std::map<std::string, double>;
Scrape ParseMetrics(const std::string& text);

// The sum over the series of a family whose labels contain all of `labels` (`key="value"` texts).
double Sum(const Scrape& scrape, const std::string& name,
           const std::initializer_list<std::string>& labels = {});

// Asserts, on one scrape, the sums of docs/ledger.md for every pipeline and every way through an
// exporter; with `at_rest` also that nothing is in processors and that the queues hold what the
// ledger says.
void ExpectLedgerCloses(const Scrape& scrape, bool at_rest);

}  // namespace wirespan::gateway::testing
