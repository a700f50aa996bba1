#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// What the Go linker wrote into a program (section .go.buildinfo, Go 1.18 and later): its version
// and its modules. Reads only what it needs, with bounds, and believes no offset: the file is
// somebody else's.
namespace wirespan::process {

// Reads up to `size` bytes at `offset`; fewer at the end of the file, empty on failure.
using ReadAt = std::function<std::string(std::uint64_t offset, std::size_t size)>;

struct GoBuildInfo {
  std::string version{};  // "go1.22.1"
  std::string modules{};  // lines "path\t...", "mod\t...", "dep\t<module>\t<version>\t<sum>"
};

// nullopt: not a 64-bit little-endian ELF file made by Go, or a Go too old to say.
std::optional<GoBuildInfo> ReadGoBuildInfo(const ReadAt& read);

// The section's own bytes.
std::optional<GoBuildInfo> ParseGoBuildInfo(std::string_view section);

// Whether a dependency line names this module exactly.
bool HasModule(const GoBuildInfo& info, std::string_view module);
// Whether one begins with this path.
bool HasModuleUnder(const GoBuildInfo& info, std::string_view prefix);

}  // namespace wirespan::process
