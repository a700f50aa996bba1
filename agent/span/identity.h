#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "agent/connection/observed_exchange.h"
#include "agent/span/span.h"

// The names of exchanges: computed from the wire alone, so that both ends get the same without
// talking to each other. The byte layout is docs/format/wire-id.md; golden values are in its test.
namespace wirespan::span {

using WireId = std::array<std::uint8_t, 16>;

enum class WireKind : std::uint8_t {
  kNone = 0,  // not the wire's: this end alone knows the id
  kTcp = 1,   // both ends get it, on any node
  kUnix = 2,  // both ends get it, on this node
};

// What makes ids that are not the wire's unique beyond this machine and this run of the agent.
struct NodeIdentity {
  std::array<std::uint8_t, 16> boot_id{};  // /proc/sys/kernel/random/boot_id
  std::uint64_t run_id = 0;                // differs between two runs of the agent on one boot
};

struct Identity {
  WireId wire_id{};
  WireKind kind = WireKind::kNone;
};

WireId TcpWireId(std::uint32_t client_isn, std::uint32_t server_isn, std::uint64_t offset,
                 std::uint32_t stream_id);

// The id of an exchange, whichever end of it this is.
Identity Identify(const connection::ConnectionInfo& connection, const protocol::Exchange& exchange,
                  const NodeIdentity& node);

SpanId ClientSpanId(const WireId& wire_id);
SpanId ServerSpanId(const WireId& wire_id);
TraceId DerivedTraceId(const WireId& wire_id);  // where nothing gives a trace id

// 2 * N digits to `out`.
template <std::size_t N>
void WriteHex(const std::array<std::uint8_t, N>& id, char* out) {
  // Both digits of each byte, side by side.
  static constexpr auto kPairs = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i)
      pairs[i] = {"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]};
    return pairs;
  }();
  for (std::size_t i = 0; i < N; ++i) std::memcpy(out + 2 * i, kPairs[id[i]].data(), 2);
}
template <std::size_t N>
std::string Hex(const std::array<std::uint8_t, N>& id) {
  std::string text(2 * N, '0');
  WriteHex(id, text.data());
  return text;
}

}  // namespace wirespan::span
