#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// Lines of /proc/PID/net/{tcp,tcp6,unix}. Pure; the caller brings the lines and their bound.
namespace wirespan::process {

struct InetSocket {
  std::array<std::uint8_t, 16> local_address{};  // IPv4 in the first four bytes, network order
  std::array<std::uint8_t, 16> remote_address{};
  bool ipv6 = false;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  bool listening = false;
  std::uint64_t inode = 0;  // 0: no process holds it any more (TIME_WAIT)
};

// nullopt: the heading, or not such a line. Addresses are printed as words of the machine's byte
// order.
std::optional<InetSocket> ParseInetLine(std::string_view line, bool ipv6);

struct UnixSocket {
  std::uint64_t inode = 0;
  bool listening = false;
  bool connected = false;
  std::string path{};  // empty: unnamed; '@' first: abstract. At most 256 bytes
};

// Stream sockets only; others give nullopt.
std::optional<UnixSocket> ParseUnixLine(std::string_view line);

// Cuts pieces of a file into lines for `line`; a line longer than 512 bytes is left out.
class LineReader {
 public:
  explicit LineReader(std::function<void(std::string_view)> line) : line_(std::move(line)) {}
  void Feed(std::string_view piece);
  void Finish();

 private:
  static constexpr std::size_t kMaxLineBytes = 512;
  std::function<void(std::string_view)> line_;
  std::string held_{};
  bool too_long_ = false;
};

// "socket:[12345]" -> 12345.
std::optional<std::uint64_t> ParseSocketLink(std::string_view link);

}  // namespace wirespan::process
