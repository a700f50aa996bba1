#include "agent/process/json_text.h"

#include <vector>

namespace wirespan::process {
namespace {

// Takes the string that begins at json[at] == '"'; leaves `at` behind it.
std::optional<std::string> TakeString(std::string_view json, std::size_t& at) {
  std::string out;
  for (++at; at < json.size(); ++at) {
    if (json[at] == '"') {
      ++at;
      return out;
    }
    if (json[at] != '\\') {
      out.push_back(json[at]);
    } else if (++at < json.size()) {
      switch (json[at]) {
        case 'n':
          out.push_back('\n');
          break;
        case 't':
          out.push_back('\t');
          break;
        case 'r':
          out.push_back('\r');
          break;
        case 'u':
          out.push_back('?');
          at += 4;
          break;
        default:
          out.push_back(json[at]);
      }
    }
  }
  return std::nullopt;
}

std::size_t SkipBlanks(std::string_view json, std::size_t at) {
  while (at < json.size() &&
         (json[at] == ' ' || json[at] == '\n' || json[at] == '\t' || json[at] == '\r'))
    ++at;
  return at;
}

}  // namespace

std::optional<std::string> FindJsonString(std::string_view json,
                                          std::initializer_list<std::string_view> keys) {
  const std::vector<std::string_view> wanted(keys);
  std::size_t depth = 0;    // open brackets
  std::size_t matched = 0;  // of the path; level `matched` is entered when depth == matched + 1
  for (std::size_t at = 0; at < json.size();) {
    switch (json[at]) {
      case '{':
      case '[':
        ++depth;
        ++at;
        break;
      case '}':
      case ']':
        if (depth == 0) return std::nullopt;
        --depth;
        ++at;
        // Leaving the object that the path led into: a key is not repeated in what runtimes write.
        if (depth == matched && matched > 0) return std::nullopt;
        break;
      case '"': {
        const auto text = TakeString(json, at);
        if (!text) return std::nullopt;
        const std::size_t next = SkipBlanks(json, at);
        const bool is_key = next < json.size() && json[next] == ':';
        if (!is_key || depth != matched + 1 || *text != wanted[matched]) break;
        at = SkipBlanks(json, next + 1);
        if (at >= json.size()) return std::nullopt;
        if (++matched == wanted.size()) {
          if (json[at] != '"') return std::nullopt;
          return TakeString(json, at);
        }
        if (json[at] != '{') return std::nullopt;
        break;
      }
      default:
        ++at;
    }
  }
  return std::nullopt;
}

}  // namespace wirespan::process
