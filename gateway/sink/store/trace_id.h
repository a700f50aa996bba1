#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace wirespan::gateway::store {

// 16 bytes as they stand on the wire, big-endian in two halves.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const TraceId&, const TraceId&) = default;
  template <class H>
  friend H AbslHashValue(H state, const TraceId& id) {
    return H::combine(std::move(state), id.high, id.low);
  }
};

inline std::uint64_t ReadBigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

// Shorter ones are those with zeros in front.
inline TraceId ToTraceId(std::string_view bytes) {
  if (bytes.size() <= 8) return {0, ReadBigEndian(bytes)};
  const std::string_view low = bytes.substr(bytes.size() - 8);
  return {ReadBigEndian(bytes.substr(0, bytes.size() - 8)), ReadBigEndian(low)};
}

inline std::string ToBytes(const TraceId& id) {
  std::string bytes(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(id.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(id.low >> (56 - 8 * i));
  }
  return bytes;
}

// Two deliveries of one span are equal in this.
struct SpanKey {
  TraceId trace{};
  std::uint64_t span = 0;
  std::uint64_t kind = 0;
  friend auto operator<=>(const SpanKey&, const SpanKey&) = default;
  template <class H>
  friend H AbslHashValue(H state, const SpanKey& key) {
    return H::combine(std::move(state), key.trace, key.span, key.kind);
  }
};

}  // namespace wirespan::gateway::store
