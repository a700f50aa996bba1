#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wirespan {

// The memory that this process may use: the least limit of its cgroup and of those above it (v2:
// memory.max, v1: memory.limit_in_bytes), at most the machine's memory. nullopt: not even that is
// known. `root` stands before /proc and /sys (for tests).
std::optional<std::uint64_t> AvailableMemoryBytes(const std::string& root = "");

// Memory in use by this process that cannot be dropped (resident, without file mappings); 0 if it
// can't be read.
std::uint64_t PrivateResidentBytes();

// All of it, as the kernel counts RSS.
std::uint64_t ResidentBytes();

}  // namespace wirespan
