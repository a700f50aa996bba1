// Protobuf bytes from outside: walking, cutting, filtering and printing agree with each other.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/otlp/json.h"
#include "common/otlp/response.h"
#include "common/otlp/walk.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Request(wirespan::otlp::Signal signal, std::string_view bytes) {
  using namespace wirespan::otlp;
  const WalkResult all = Walk(signal, bytes, WalkDepth::kAll);
  const WalkResult walked = Walk(signal, bytes);
  Check(!all.ok || walked.ok);
  std::vector<ResourceRange> ranges;
  Check(!walked.ok || ResourceRanges(signal, bytes, ranges));
  if (!walked.ok) return;
  std::size_t items = 0;
  for (const ResourceRange& range : ranges) items += range.items;
  Check(items == walked.items && ranges.size() == walked.resources);
  items = 0;
  for (const Part& part : Split(signal, bytes, 2)) {
    Check(part.items <= 2 && Walk(signal, part.bytes).items == part.items);
    items += part.items;
  }
  Check(items == walked.items);
  std::string rest;
  Check(RemoveInvalid(signal, bytes, rest) == walked.invalid);
  const WalkResult again = Walk(signal, rest);
  Check(again.ok && again.invalid == 0 && again.items == walked.items - walked.invalid);
  if (const auto json = RequestToJson(signal, bytes))
    Check(RequestFromJson(signal, *json).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto signal : {wirespan::otlp::Signal::kTraces, wirespan::otlp::Signal::kMetrics,
                            wirespan::otlp::Signal::kLogs}) {
    Request(signal, bytes);
  }
  wirespan::otlp::PartialSuccess partial;
  if (wirespan::otlp::DecodeResponse(bytes, partial)) wirespan::otlp::EncodeResponse(partial, 100);
  wirespan::otlp::RpcStatus status;
  if (wirespan::otlp::DecodeStatus(bytes, status)) wirespan::otlp::StatusToJson(status);
  return 0;
}
