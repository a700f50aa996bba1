// Texts that a backend or an environment gives the exporter: Retry-After, header lists, endpoints.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/export/grpc_endpoint.h"
#include "agent/export/options_env.h"
#include "common/retry/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto wait = wirespan::retry::ParseRetryAfter(text, 1'700'000'000'000'000'000);
  if (wait && (wait->count() < 0 || *wait > std::chrono::hours(24))) std::abort();
  (void)wirespan::exporting::ParseHeaders(text);
  (void)wirespan::exporting::ParseGrpcEndpoint(text, false);
  (void)wirespan::exporting::SignalEndpoint(text, wirespan::exporting::OtlpProtocol::kHttpProtobuf,
                                            wirespan::otlp::Signal::kTraces);
  return 0;
}
