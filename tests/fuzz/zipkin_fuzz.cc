// Whatever comes as Zipkin's JSON: a well-formed OTLP request, or a refusal.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/otlp/walk.h"
#include "common/otlp/zipkin.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto request = wirespan::otlp::RequestFromZipkin(text);
  if (!request) return 0;
  using wirespan::otlp::Walk;
  const auto walk =
      Walk(wirespan::otlp::Signal::kTraces, *request, wirespan::otlp::WalkDepth::kAll);
  if (!walk.ok) std::abort();
  return 0;
}
