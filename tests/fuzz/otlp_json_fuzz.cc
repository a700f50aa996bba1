// OTLP/JSON from outside: what is taken is well-formed protobuf, and printing it is stable.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/otlp/json.h"
#include "common/otlp/response.h"
#include "common/otlp/walk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan::otlp;
  if (size > 1 << 16) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Signal signal : {Signal::kTraces, Signal::kMetrics, Signal::kLogs}) {
    const auto bytes = RequestFromJson(signal, text);
    if (!bytes) continue;
    if (!Walk(signal, *bytes).ok) std::abort();
    const auto json = RequestToJson(signal, *bytes);
    if (!json) continue;  // nested too deeply to print
    const auto again = RequestFromJson(signal, *json);
    if (!again) std::abort();
    const auto same = RequestToJson(signal, *again);
    if (!same || *same != *json) std::abort();
  }
  PartialSuccess partial;
  if (DecodeResponseJson(text, partial)) {
    PartialSuccess again;
    if (!DecodeResponseJson(ResponseToJson(partial, Signal::kLogs), again)) std::abort();
    if (again.rejected != partial.rejected || again.message != partial.message) std::abort();
  }
  return 0;
}
