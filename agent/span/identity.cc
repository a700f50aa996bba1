#include "agent/span/identity.h"

#include <cstring>
#include <string_view>

#include "common/base/hash.h"

namespace wirespan::span {
namespace {

// First byte of every hashed name: its layout.
enum Layout : std::uint8_t { kLayoutTcp = 1, kLayoutUnix = 2, kLayoutOwn = 3 };
// What is derived from a wire id.
enum Derived : std::uint8_t { kClientSpan = 1, kServerSpan = 2, kTrace = 3 };

class Packer {
 public:
  template <class T>
  void Put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_[size_++] = static_cast<char>(value >> (8 * i));
  }
  template <std::size_t N>
  void Put(const std::array<std::uint8_t, N>& bytes) {
    std::memcpy(bytes_ + size_, bytes.data(), N);
    size_ += N;
  }
  std::string_view bytes() const { return {bytes_, size_}; }

 private:
  char bytes_[64];
  std::size_t size_ = 0;
};

void StoreBigEndian(std::uint64_t value, std::uint8_t* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

std::array<std::uint8_t, 16> Canonical(Hash128Value hash) {
  std::array<std::uint8_t, 16> bytes;
  StoreBigEndian(hash.high, bytes.data());
  StoreBigEndian(hash.low, bytes.data() + 8);
  return bytes;
}

Hash128Value Derive(const WireId& wire_id, Derived what) {
  Packer packer;
  packer.Put(wire_id);
  packer.Put(static_cast<std::uint8_t>(what));
  return Hash128(packer.bytes());
}

SpanId DerivedSpanId(const WireId& wire_id, Derived what) {
  std::uint64_t low = Derive(wire_id, what).low;
  if (low == 0) low = 1;  // all zero is no span id
  SpanId id;
  StoreBigEndian(low, id.data());
  return id;
}

}  // namespace

WireId TcpWireId(std::uint32_t client_isn, std::uint32_t server_isn, std::uint64_t offset,
                 std::uint32_t stream_id) {
  Packer packer;
  packer.Put(static_cast<std::uint8_t>(kLayoutTcp));
  packer.Put(client_isn);
  packer.Put(server_isn);
  packer.Put(offset);
  packer.Put(stream_id);
  return Canonical(Hash128(packer.bytes()));
}

Identity Identify(const connection::ConnectionInfo& connection, const protocol::Exchange& exchange,
                  const NodeIdentity& node) {
  const bool client = exchange.side == protocol::Side::kClient;
  if (connection.wire_known && exchange.wire_exact) {
    const auto own = connection.local_isn, other = connection.remote_isn;
    return {TcpWireId(client ? own : other, client ? other : own, exchange.request_offset,
                      exchange.stream_id),
            WireKind::kTcp};
  }
  Packer packer;
  const bool unix_pair = connection.local.family == connection::Family::kUnix &&
                         connection.peer_cookie != 0 &&
                         (!connection.joined_late || exchange.wire_exact);
  packer.Put(static_cast<std::uint8_t>(unix_pair ? kLayoutUnix : kLayoutOwn));
  packer.Put(node.boot_id);
  packer.Put(node.run_id);
  if (unix_pair) {
    packer.Put(client ? connection.id.cookie : connection.peer_cookie);
    packer.Put(client ? connection.peer_cookie : connection.id.cookie);
  } else {
    packer.Put(connection.id.cookie);
    packer.Put(static_cast<std::uint8_t>(client ? kClientSpan : kServerSpan));
  }
  packer.Put(exchange.request_offset);
  packer.Put(exchange.stream_id);
  return {Canonical(Hash128(packer.bytes())), unix_pair ? WireKind::kUnix : WireKind::kNone};
}

SpanId ClientSpanId(const WireId& wire_id) { return DerivedSpanId(wire_id, kClientSpan); }
SpanId ServerSpanId(const WireId& wire_id) { return DerivedSpanId(wire_id, kServerSpan); }

TraceId DerivedTraceId(const WireId& wire_id) {
  Hash128Value hash = Derive(wire_id, kTrace);
  if (hash.low == 0 && hash.high == 0) hash.low = 1;  // all zero is no trace id
  return Canonical(hash);
}

}  // namespace wirespan::span
