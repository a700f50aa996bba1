#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "common/otlp/signal.h"

// What can be known of an Export*ServiceRequest, and done to it, without decoding it: bytes stay
// bytes, and fields that this program has never heard of survive. An item is a span, a data point,
// a log record or a profile's sample. Requests with profiles can't be joined by concatenation: each
// has a dictionary that its indices mean.
namespace wirespan::otlp {

struct WalkResult {
  bool ok = false;  // well-formed down to the depth that was asked for
  std::size_t items = 0;
  std::size_t invalid = 0;    // items with an id of a wrong length or of zeros; see RemoveInvalid
  std::size_t resources = 0;  // ResourceSpans, ResourceMetrics, ResourceLogs
};

enum class WalkDepth : std::uint8_t {
  kItems,  // down to the fields of each span, data point or record; their contents are not looked
           // into
  kAll,    // every nested message too: attributes (values nested up to kMaxValueDepth), events,
           // links, exemplars
};
inline constexpr int kMaxValueDepth = 64;

WalkResult Walk(Signal signal, std::string_view request, WalkDepth depth = WalkDepth::kItems);

// One ResourceSpans (ResourceMetrics, ResourceLogs) of a request.
struct ResourceRange {
  std::string_view
      encoded{};  // the whole field; requests are joined by concatenating these (or whole requests)
  std::string_view message{};  // its payload
  std::size_t items = 0;
};
// False: malformed; `ranges` holds what came before.
bool ResourceRanges(Signal signal, std::string_view request, std::vector<ResourceRange>& ranges);

// Calls `visit` for each item (the Span, DataPoint or LogRecord message). False: malformed.
bool ForEachItem(Signal signal, std::string_view request,
                 const std::function<void(std::string_view item)>& visit);

// Is this item's identity usable: a span's trace and span id have 16 and 8 bytes and are not zeros,
// its parent's 0 or 8; a log record's are absent or of these lengths.
bool ValidItem(Signal signal, std::string_view item);

// Copies a well-formed request item by item, without those that `keep` refuses and without
// resources, scopes and metrics that hold none. Returns how many were left out.
std::size_t Filter(Signal signal, std::string_view request,
                   const std::function<bool(std::string_view item)>& keep, std::string& out);
std::size_t RemoveInvalid(Signal signal, std::string_view request, std::string& out);

struct Part {
  std::string bytes{};
  std::size_t items = 0;
};
// Cuts a well-formed request into requests of at most so many items and (about) so many bytes, in
// order, repeating resource, scope and metric headers where a cut goes through them. An item that
// alone exceeds max_bytes becomes a part of its own.
std::vector<Part> Split(Signal signal, std::string_view request, std::size_t max_items,
                        std::size_t max_bytes = std::numeric_limits<std::size_t>::max());

}  // namespace wirespan::otlp
