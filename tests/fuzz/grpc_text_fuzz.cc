// gRPC's texts, and its message framing: any cut gives the same as the whole, gaps only make it
// less. The first byte says where to cut.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/protocol/grpc/message_counter.h"
#include "agent/protocol/grpc/text.h"

using namespace wirespan::grpc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = data[0] % (input.size() + 1);
  if (const auto timeout = ParseTimeout(input); timeout && timeout->count() < 0) std::abort();
  if (DecodeMessage(input, 64).size() > 64) std::abort();
  const int status = ParseStatus(input);
  if (status < 0 || status >= kStatuses || StatusName(status).empty()) std::abort();
  (void)IsGrpc(input);

  MessageCounter whole;
  whole.OnBytes(input);
  MessageCounter parts;
  parts.OnBytes(input.substr(0, cut));
  parts.OnBytes(input.substr(cut));
  if (whole.messages() != parts.messages() || whole.bytes() != parts.bytes()) std::abort();
  MessageCounter gap;
  gap.OnBytes(input.substr(0, cut));
  gap.OnGap(input.size() - cut);
  if (gap.messages() > whole.messages() || gap.bytes() > whole.bytes()) std::abort();
  return 0;
}
