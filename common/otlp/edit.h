#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/otlp/layout.h"
#include "common/otlp/signal.h"
#include "common/otlp/wire.h"

// Changes some messages of a request and leaves every other byte as it is.
namespace wirespan::otlp {

// The messages around an item, as they came; empty where there is none.
struct Place {
  std::string_view resource{};
  std::string_view scope{};
  std::string_view metric{};  // metrics: the Metric that the point stands in
  std::uint32_t point_field =
      0;  // metrics: 5 gauge, 7 sum, 9 histogram, 10 exponential, 11 summary
};

enum class Verdict : std::uint8_t { kKeep, kDrop, kReplace };

// What to do with each message. An editor that returns kReplace has appended the new message (its
// content, not its tag) to `out`; otherwise it must not have touched it.
class MessageEditor {
 public:
  virtual ~MessageEditor() = default;
  // The Resource itself; absent ones are offered as an empty message. kDrop: with all that is in
  // it.
  virtual Verdict OnResource(std::string_view, Writer&) { return Verdict::kKeep; }
  // Metrics: before the points of a metric. Never kReplace.
  virtual Verdict OnMetric(const Place&, std::string_view) { return Verdict::kKeep; }
  // A span, data point or log record. `place` shows what stood around it before this editing.
  virtual Verdict OnItem(const Place&, std::string_view, Writer&) { return Verdict::kKeep; }
  // False: items need not be looked at one by one (they are counted if something is dropped).
  virtual bool wants_items() const { return true; }
};

struct EditResult {
  bool ok = false;       // false: malformed, `out` is of no use
  bool changed = false;  // false: `out` is empty, the request stands as it was
  std::size_t dropped = 0;
};

// Walks a request down to its items. What becomes empty because of what was dropped (metrics,
// scopes, resources) goes too. Unchanged stretches are copied whole, and not at all before the
// first change. Order, unknown fields and the bytes of everything that is kept survive.
EditResult EditRequest(Signal signal, std::string_view request, MessageEditor& editor, Writer& out);

}  // namespace wirespan::otlp
