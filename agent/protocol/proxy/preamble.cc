#include "agent/protocol/proxy/preamble.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace wirespan::proxy {
namespace {

using protocol::ParseStatus;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxLine1 = 107;
constexpr std::size_t kHeader2 = 16;

bool StartsLike(std::string_view input, std::string_view signature) {
  const std::size_t n = std::min(input.size(), signature.size());
  return input.substr(0, n) == signature.substr(0, n);
}

std::string_view NextWord(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

// The address in its usual form; empty if it is none.
std::string Canonical(int family, std::string_view word) {
  std::uint8_t address[16];
  char text[INET6_ADDRSTRLEN];
  const std::string input(word);
  if (inet_pton(family, input.c_str(), address) != 1) return "";
  return inet_ntop(family, address, text, sizeof text);
}

ParseStatus ParseLine1(std::string_view input, Preamble& preamble) {
  const std::size_t end = input.substr(0, kMaxLine1).find("\r\n");
  if (end == std::string_view::npos)
    return input.size() >= kMaxLine1 ? ParseStatus::kInvalid : ParseStatus::kNeedMore;
  std::string_view line = input.substr(0, end);
  preamble.consumed = end + 2;
  NextWord(line);
  const std::string_view family = NextWord(line);
  if (family == "UNKNOWN") return ParseStatus::kComplete;
  if (family != "TCP4" && family != "TCP6") return ParseStatus::kInvalid;
  preamble.client_address = Canonical(family == "TCP4" ? AF_INET : AF_INET6, NextWord(line));
  NextWord(line);
  const std::string_view port = NextWord(line);
  const auto [rest, error] =
      std::from_chars(port.data(), port.data() + port.size(), preamble.client_port);
  if (preamble.client_address.empty() || error != std::errc{} ||
      rest != port.data() + port.size()) {
    return ParseStatus::kInvalid;
  }
  return ParseStatus::kComplete;
}

//   0            12        13      14        16
//   | signature  | ver|cmd | fam|p | length  | addresses ... TLVs ... |
ParseStatus ParseHeader2(std::string_view input, Preamble& preamble) {
  if (input.size() < kHeader2) return ParseStatus::kNeedMore;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  if (byte(12) >> 4 != 2 || (byte(12) & 15) > 1) return ParseStatus::kInvalid;
  const std::size_t length = byte(14) * 256u + byte(15);
  if (length > 4096) return ParseStatus::kInvalid;
  if (input.size() < kHeader2 + length) return ParseStatus::kNeedMore;
  preamble.consumed = kHeader2 + length;
  const unsigned family = byte(13) >> 4;
  const bool local = (byte(12) & 15) == 0;
  const std::size_t width = family == 1 ? 4 : 16;
  if (local || family < 1 || family > 2 || length < 2 * width + 4) return ParseStatus::kComplete;
  char text[INET6_ADDRSTRLEN];
  preamble.client_address =
      inet_ntop(family == 1 ? AF_INET : AF_INET6, input.data() + kHeader2, text, sizeof text);
  preamble.client_port = static_cast<std::uint16_t>(byte(kHeader2 + 2 * width) * 256u +
                                                    byte(kHeader2 + 2 * width + 1));
  return ParseStatus::kComplete;
}

}  // namespace

ParseStatus ParsePreamble(std::string_view input, Preamble& preamble) {
  preamble = Preamble{};
  ParseStatus status = ParseStatus::kInvalid;
  if (StartsLike(input, kSignature1)) {
    status =
        input.size() < kSignature1.size() ? ParseStatus::kNeedMore : ParseLine1(input, preamble);
  } else if (StartsLike(input, kSignature2)) {
    status =
        input.size() < kSignature2.size() ? ParseStatus::kNeedMore : ParseHeader2(input, preamble);
  }
  if (status != ParseStatus::kComplete) preamble = Preamble{};
  return status;
}

}  // namespace wirespan::proxy
