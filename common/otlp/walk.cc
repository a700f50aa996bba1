#include "common/otlp/walk.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/otlp/layout.h"
#include "common/otlp/span_walk.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Visits the items below `message`, which stands at `level` of the signal's way to its items.
template <class Visit>
bool VisitItems(const Path& path, std::size_t level, std::string_view message, Visit& visit) {
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (!path.IsChild(level, field)) {
      if (path.IsWrongType(level, field)) return false;
      continue;
    }
    if (level + 1 == path.levels) {
      if (!visit(field)) return false;
    } else if (!VisitItems(path, level + 1, field.bytes, visit)) {
      return false;
    }
  }
  return reader.ok();
}

// Writes items one after the other, opening the messages around them when the first item inside
// comes.
class Rewriter {
 public:
  explicit Rewriter(Signal signal) : path_(PathOf(signal)) {}

  // offer(field): what to do before this item is written; returns whether to write it.
  template <class Offer>
  void Run(std::string_view request, Offer offer) {
    Descend(0, 0, request, offer);
    CloseTo(0);
  }

  std::size_t SizeWith(const Field& item) const {
    std::size_t size = writer_.size() + item.encoded.size();
    for (std::size_t i = open_; i < nodes_.size(); ++i) size += nodes_[i].header.size() + 6;
    return size;
  }
  // Ends the part under way; the next item opens its surroundings again.
  Part Cut() {
    CloseTo(0);
    return {writer_.Take(), std::exchange(items_, 0)};
  }
  std::size_t items() const { return items_; }

 private:
  struct Node {
    std::uint32_t number = 0;  // 0: the request itself
    std::string header{};      // every field that is not a child of the next level
    Writer::Mark mark{};
  };

  template <class Offer>
  void Descend(std::size_t level, std::uint32_t number, std::string_view message, Offer& offer) {
    Node node{number, {}, {}};
    Reader headers(message);
    for (Field field; headers.Next(field);) {
      if (!path_.IsChild(level, field)) node.header.append(field.encoded);
    }
    nodes_.push_back(std::move(node));
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (!path_.IsChild(level, field)) continue;
      if (level + 1 < path_.levels) {
        Descend(level + 1, field.number, field.bytes, offer);
      } else if (offer(field)) {
        Open();
        writer_.Raw(field.encoded);
        ++items_;
      }
    }
    CloseTo(nodes_.size() - 1);
    nodes_.pop_back();
  }

  void Open() {
    for (; open_ < nodes_.size(); ++open_) {
      Node& node = nodes_[open_];
      if (node.number != 0) node.mark = writer_.Begin(node.number, 4096);
      writer_.Raw(node.header);
    }
  }
  void CloseTo(std::size_t depth) {
    while (open_ > depth) {
      --open_;
      if (nodes_[open_].number != 0) writer_.End(nodes_[open_].mark);
    }
  }

  const Path& path_;
  Writer writer_{};
  std::vector<Node> nodes_{};
  std::size_t open_ = 0;  // so many of nodes_ are begun in writer_
  std::size_t items_ = 0;
};

}  // namespace

namespace {

// One pass: down the signal's way to its items, looking at what stands beside the way and into the
// items as deep as asked.
struct Walker {
  const Signal signal;
  const Path& path;
  const WalkDepth depth;
  WalkResult result{};

  bool Level(std::size_t level, const Layout& layout, std::string_view message) {
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (path.IsChild(level, field)) {
        if (level == 0) ++result.resources;
        const Layout& child = *layout.Find(field.number);
        const bool ok = level + 1 == path.levels ? Item(child, field.bytes)
                                                 : Level(level + 1, child, field.bytes);
        if (!ok) return false;
      } else if (path.IsWrongType(level, field)) {
        return false;
      } else if (const Layout* beside =
                     depth == WalkDepth::kAll ? layout.Find(field.number) : nullptr) {
        if (field.type != WireType::kBytes) return false;
        if (!WellFormed(*beside, field.bytes, 1)) return false;
      }
    }
    return reader.ok();
  }

  bool Item(const Layout& layout, std::string_view item) {
    ++result.items;
    if (signal == Signal::kTraces) {
      const SpanCheck check = CheckSpan(layout, item, depth);
      if (check.well_formed && !check.valid) ++result.invalid;
      return check.well_formed;
    }
    if (!ValidItem(signal, item)) {
      ++result.invalid;
      Reader reader(item);
      for (Field field; reader.Next(field);) continue;
      if (!reader.ok()) return false;
    }
    return depth != WalkDepth::kAll || WellFormed(layout, item, 1);
  }
};

}  // namespace

WalkResult Walk(Signal signal, std::string_view request, WalkDepth depth) {
  Walker walker{signal, PathOf(signal), depth};
  walker.result.ok = walker.Level(0, RequestLayout(signal), request);
  return walker.result;
}

bool ResourceRanges(Signal signal, std::string_view request, std::vector<ResourceRange>& ranges) {
  const Path& path = PathOf(signal);
  Reader reader(request);
  for (Field field; reader.Next(field);) {
    if (!path.IsChild(0, field)) {
      if (path.IsWrongType(0, field)) return false;
      continue;
    }
    ResourceRange range{field.encoded, field.bytes, 0};
    auto count = [&](const Field&) {
      ++range.items;
      return true;
    };
    if (!VisitItems(path, 1, field.bytes, count)) return false;
    ranges.push_back(range);
  }
  return reader.ok();
}

bool ForEachItem(Signal signal, std::string_view request,
                 const std::function<void(std::string_view)>& visit) {
  auto call = [&](const Field& item) {
    visit(item.bytes);
    return true;
  };
  return VisitItems(PathOf(signal), 0, request, call);
}

bool ValidItem(Signal signal, std::string_view item) {
  if (signal == Signal::kMetrics || signal == Signal::kProfiles) {
    Reader reader(item);
    for (Field field; reader.Next(field);) continue;
    return reader.ok();
  }
  const bool span = signal == Signal::kTraces;
  const std::uint32_t trace_field = span ? 1 : 9;
  const std::uint32_t span_field = span ? 2 : 10;
  std::string_view trace_id, span_id, parent_id;
  Reader reader(item);
  for (Field field; reader.Next(field);) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == trace_field) trace_id = field.bytes;
    if (field.number == span_field) span_id = field.bytes;
    if (span && field.number == 4) parent_id = field.bytes;
  }
  if (!reader.ok()) return false;
  if (!span) {
    return (trace_id.empty() || trace_id.size() == 16) && (span_id.empty() || span_id.size() == 8);
  }
  return trace_id.size() == 16 && span_id.size() == 8 && !AllZero(trace_id) && !AllZero(span_id) &&
         (parent_id.empty() || parent_id.size() == 8);
}

std::size_t Filter(Signal signal, std::string_view request,
                   const std::function<bool(std::string_view)>& keep, std::string& out) {
  std::size_t removed = 0;
  Rewriter rewriter(signal);
  rewriter.Run(request, [&](const Field& item) {
    if (keep(item.bytes)) return true;
    ++removed;
    return false;
  });
  out = rewriter.Cut().bytes;
  return removed;
}

std::size_t RemoveInvalid(Signal signal, std::string_view request, std::string& out) {
  return Filter(
      signal, request, [signal](std::string_view item) { return ValidItem(signal, item); }, out);
}

std::vector<Part> Split(Signal signal, std::string_view request, std::size_t max_items,
                        std::size_t max_bytes) {
  std::vector<Part> parts;
  Rewriter rewriter(signal);
  rewriter.Run(request, [&](const Field& item) {
    if (rewriter.items() > 0 &&
        (rewriter.items() >= max_items || rewriter.SizeWith(item) > max_bytes)) {
      parts.push_back(rewriter.Cut());
    }
    return true;
  });
  if (rewriter.items() > 0) parts.push_back(rewriter.Cut());
  return parts;
}

}  // namespace wirespan::otlp
