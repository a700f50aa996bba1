#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "agent/metric/snapshot.h"
#include "agent/span/span.h"
#include "common/base/flat_map.h"
#include "common/otlp/wire.h"

namespace wirespan::exporting {

// Collects spans as the bytes of one ExportTraceServiceRequest, grouped by resource, with no object
// in between: nothing of a Span is kept after Add. Text that is not UTF-8 is repaired, since
// receivers refuse the whole request otherwise. Keeps its buffers from batch to batch. One thread.
class SpanEncoder {
 public:
  void Add(const span::Span& span);
  std::size_t spans() const { return spans_; }
  // What the request will take, within some hundred bytes a resource.
  std::size_t bytes() const { return bytes_; }
  // The request; the encoder is empty afterwards.
  std::string Take();

 private:
  struct Group {
    std::shared_ptr<const span::Resource> resource{};  // keeps the key of index_ alive
    otlp::Writer spans{};
  };
  otlp::Writer& SpansOf(const std::shared_ptr<const span::Resource>& resource);

  std::vector<Group> groups_{};  // the first used_ ones are in use
  std::size_t used_ = 0;
  FlatMap<const span::Resource*, std::size_t> index_{};
  std::size_t last_ = 0;  // group of the last span: most often the next one's too
  std::size_t spans_ = 0;
  std::size_t bytes_ = 0;
};

struct EncodedMetrics {
  std::string request{};  // ExportMetricsServiceRequest; empty if there are no points
  std::size_t points = 0;
};
// Resources and metrics without points are left out.
EncodedMetrics EncodeMetrics(const metric::Snapshot& snapshot);

}  // namespace wirespan::exporting
