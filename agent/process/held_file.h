#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

// What somebody who sees the open files of all processes at once tells of them. The kernel can
// (bpf/lib/census.h), and agent/app joins the two; /proc is asked where it does not.
namespace wirespan::process {

// A descriptor that counts for what a process holds.
struct HeldFile {
  enum class Kind : std::uint8_t { kTcp, kUnix, kIoUring };
  Kind kind = Kind::kTcp;
  std::uint32_t pid = 0;
  std::uint32_t descriptor = 0;
  std::uint64_t inode = 0;  // of a socket: the same for all who share it
  bool listening = false;
  bool connected = false;
  // Of a listening one.
  bool ipv6 = false;
  std::array<std::uint8_t, 16> address{};  // IPv4 in the first four bytes, network order
  std::uint16_t port = 0;
  std::string_view path{};  // as in ListenAddress; for as long as the call takes
};

// Calls `visit` for each, in no order; a socket may come more than once. False: that was not
// everything, or nobody knows whether it was.
using HeldFiles = std::function<bool(const std::function<void(const HeldFile&)>& visit)>;

}  // namespace wirespan::process
