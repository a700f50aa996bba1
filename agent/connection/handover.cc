#include "agent/connection/handover.h"

namespace wirespan::connection {
namespace {

//   "WSH1", then for each connection, numbers in base 128 (low digits first, high bit: more
//   follow): cookie, direction of requests, and twice: read_to, boundary - read_to, size, table
constexpr std::string_view kMagic = "WSH1";

void Put(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> Take(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<HandedTable> TakeTable(std::string_view& in) {
  const auto read_to = Take(in);
  const auto beyond = Take(in);
  const auto size = Take(in);
  if (!read_to || !beyond || !size || *size > in.size() || *beyond > UINT64_MAX - *read_to) {
    return std::nullopt;
  }
  HandedTable out{*read_to, *read_to + *beyond,
                  std::string(in.substr(0, static_cast<std::size_t>(*size)))};
  in.remove_prefix(out.table.size());
  return out;
}

}  // namespace

std::string SerializeHandover(const std::vector<HandedConnection>& connections,
                              std::size_t max_bytes) {
  std::string out(kMagic);
  std::string one;
  for (const HandedConnection& connection : connections) {
    one.clear();
    Put(one, connection.id.cookie);
    Put(one, static_cast<std::uint64_t>(connection.requests));
    for (const HandedTable& table : connection.tables) {
      Put(one, table.read_to);
      Put(one, table.boundary - table.read_to);
      Put(one, table.table.size());
      one += table.table;
    }
    if (out.size() + one.size() <= max_bytes) out += one;
  }
  return out;
}

std::optional<std::vector<HandedConnection>> ParseHandover(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  bytes.remove_prefix(kMagic.size());
  std::vector<HandedConnection> out;
  while (!bytes.empty()) {
    HandedConnection connection;
    const auto cookie = Take(bytes);
    const auto requests = Take(bytes);
    if (!cookie || !requests || *requests > 1) return std::nullopt;
    connection.id = {*cookie};
    connection.requests = static_cast<Direction>(*requests);
    for (HandedTable& table : connection.tables) {
      auto taken = TakeTable(bytes);
      if (!taken) return std::nullopt;
      table = std::move(*taken);
    }
    out.push_back(std::move(connection));
  }
  return out;
}

}  // namespace wirespan::connection
