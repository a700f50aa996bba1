#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connection/event.h"

namespace wirespan::connection {

// What a graceful restart of the agent hands on of HTTP/2 connections: the header tables, without
// which the paths that a client sent once, long ago, would be unknown for the rest of its life.
struct HandedTable {
  // Octets of this direction that were read. Offsets must go on counting where they stood (the
  // kernel's side stays loaded), or nothing meets and nothing is used.
  std::uint64_t read_to = 0;
  // The frame that begins here is the first that the table does not know yet.
  std::uint64_t boundary = 0;
  std::string table{};  // hpack::DynamicTable::Serialize; empty: not known
};

struct HandedConnection {
  ConnectionId id{};
  Direction requests = Direction::kRead;
  std::array<HandedTable, 2> tables{};  // by Direction
};

// As bytes, at most `max_bytes`: connections that don't fit are left out.
std::string SerializeHandover(const std::vector<HandedConnection>& connections,
                              std::size_t max_bytes);
// Takes anything from outside; nothing unless all of it is well-formed.
std::optional<std::vector<HandedConnection>> ParseHandover(std::string_view bytes);

}  // namespace wirespan::connection
