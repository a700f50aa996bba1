#include <algorithm>

#include "agent/process/command_line.h"

namespace wirespan::process {
namespace {

// Length of the UTF-8 character at the front; 0: broken.
std::size_t CharacterBytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and beyond U+10FFFF. C1 control characters count as broken too.
  if (first == 0xc2 && byte(1) < 0xa0) return 0;
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
  return size;
}

std::string Clean(std::string_view text, std::size_t max_bytes, bool strict) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = CharacterBytes(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool bad = size == 0 || first < ' ' || first == 0x7f ||
                     (strict && (first == ' ' || first == '/' || first == '\\' || first == '"'));
    const std::size_t take = std::max<std::size_t>(size, 1);
    if (out.size() + (bad ? 1 : take) > max_bytes) break;
    if (!bad) {
      out.append(text.substr(0, take));
    } else if (!out.empty() && out.back() != '-') {
      out.push_back('-');
    }
    text.remove_prefix(take);
  }
  while (!out.empty() && (out.back() == '-' || out.back() == ' ')) out.pop_back();
  const std::size_t begin = out.find_first_not_of(' ');
  return begin == std::string::npos ? std::string() : out.substr(begin);
}

}  // namespace

std::string SaneName(std::string_view text) { return Clean(text, 128, true); }

std::string SaneText(std::string_view text, std::size_t max_bytes) {
  return Clean(text, max_bytes, false);
}

std::string_view BaseName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string ExecutableName(std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  constexpr std::string_view kWrapped = "-wrapped";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  std::string_view name = BaseName(path);
  if (name.starts_with("memfd:")) name.remove_prefix(6);
  if (name.starts_with('.') && name.ends_with(kWrapped)) {
    name.remove_prefix(1);
    name.remove_suffix(kWrapped.size());
  }
  return SaneName(name);
}

}  // namespace wirespan::process
