#include "agent/app/printable.h"

#include <cstdint>

#include "common/base/strings.h"

namespace wirespan::app {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The code point at the front of well-formed text, and its bytes.
std::uint32_t CodePoint(std::string_view text, std::size_t& size) {
  const auto first = static_cast<unsigned char>(text.front());
  size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  std::uint32_t point = size == 1 ? first : first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return point;
}

bool IsControl(std::uint32_t point) {
  // U+202A..202E and U+2066..2069 turn the direction of what follows: a line could lie.
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

// Where the code point after `count` others begins; the size if there are no more.
std::size_t ByteOf(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!IsContinuation(text[at]) && count-- == 0) return at;
  }
  return at;
}

}  // namespace

std::string Printable(std::string_view text) {
  const std::string utf8 = ToUtf8(text);
  std::string out;
  out.reserve(utf8.size());
  for (std::string_view left = utf8; !left.empty();) {
    std::size_t size = 0;
    const auto point = CodePoint(left, size);
    if (IsControl(point))
      out += '?';
    else
      out += left.substr(0, size);
    left.remove_prefix(size);
  }
  return out;
}

std::string CutTo(std::string_view text, std::size_t width) {
  if (width == 0 || ByteOf(text, width) == text.size()) return std::string(text);
  return std::string(text.substr(0, ByteOf(text, width - 1))) + "~";
}

std::string FillTo(std::string_view text, std::size_t width) {
  std::size_t columns = 0;
  for (const char c : text) columns += IsContinuation(c) ? 0 : 1;
  std::string out(text);
  out.append(width > columns ? width - columns : 0, ' ');
  return out;
}

}  // namespace wirespan::app
