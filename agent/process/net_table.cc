#include "agent/process/net_table.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace wirespan::process {
namespace {

template <class Number>
std::optional<Number> Parse(std::string_view text, int base) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::string_view NextWord(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

bool ParseEndpoint(std::string_view text, bool ipv6, std::array<std::uint8_t, 16>& address,
                   std::uint16_t& port) {
  const std::size_t digits = ipv6 ? 32 : 8;
  if (text.size() != digits + 5 || text[digits] != ':') return false;
  for (std::size_t word = 0; word < digits / 8; ++word) {
    const auto value = Parse<std::uint32_t>(text.substr(word * 8, 8), 16);
    if (!value) return false;
    std::memcpy(address.data() + word * 4, &*value, 4);
  }
  const auto number = Parse<std::uint16_t>(text.substr(digits + 1), 16);
  if (!number) return false;
  port = *number;
  return true;
}

}  // namespace

std::optional<InetSocket> ParseInetLine(std::string_view line, bool ipv6) {
  constexpr std::uint8_t kListen = 0x0A;
  InetSocket socket;
  socket.ipv6 = ipv6;
  NextWord(line);  // "12:"
  if (!ParseEndpoint(NextWord(line), ipv6, socket.local_address, socket.local_port) ||
      !ParseEndpoint(NextWord(line), ipv6, socket.remote_address, socket.remote_port))
    return std::nullopt;
  const auto state = Parse<std::uint8_t>(NextWord(line), 16);
  if (!state) return std::nullopt;
  socket.listening = *state == kListen;
  for (int skipped = 0; skipped < 5; ++skipped)
    NextWord(line);  // queues, timer, retransmits, uid, timeout
  const auto inode = Parse<std::uint64_t>(NextWord(line), 10);
  if (!inode) return std::nullopt;
  socket.inode = *inode;
  return socket;
}

std::optional<UnixSocket> ParseUnixLine(std::string_view line) {
  constexpr std::uint32_t kAccepting = 0x10000;  // __SO_ACCEPTCON
  NextWord(line);                                // address
  NextWord(line);                                // reference count
  NextWord(line);                                // protocol
  const auto flags = Parse<std::uint32_t>(NextWord(line), 16);
  const auto type = Parse<std::uint32_t>(NextWord(line), 16);
  const auto state = Parse<std::uint32_t>(NextWord(line), 16);
  const auto inode = Parse<std::uint64_t>(NextWord(line), 10);
  if (!flags || !type || !state || !inode || *type != 1) return std::nullopt;
  UnixSocket socket;
  socket.inode = *inode;
  socket.listening = (*flags & kAccepting) != 0;
  socket.connected = *state == 3;
  if (!line.empty()) socket.path = line.substr(1, 256);
  return socket;
}

void LineReader::Feed(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (held_.size() + part.size() > kMaxLineBytes) too_long_ = true;
    if (end == std::string_view::npos) {
      if (!too_long_) held_.append(part);
      return;
    }
    if (!too_long_) {
      if (held_.empty()) {
        line_(part);
      } else {
        held_.append(part);
        line_(held_);
      }
    }
    held_.clear();
    too_long_ = false;
    piece.remove_prefix(end + 1);
  }
}

void LineReader::Finish() {
  if (!held_.empty() && !too_long_) line_(held_);
  held_.clear();
  too_long_ = false;
}

std::optional<std::uint64_t> ParseSocketLink(std::string_view link) {
  constexpr std::string_view kHead = "socket:[";
  if (!link.starts_with(kHead) || !link.ends_with(']')) return std::nullopt;
  return Parse<std::uint64_t>(link.substr(kHead.size(), link.size() - kHead.size() - 1), 10);
}

}  // namespace wirespan::process
