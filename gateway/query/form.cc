#include "gateway/query/form.h"

#include <array>
#include <cmath>

#include "common/base/strings.h"
#include "common/otlp/json_lexer.h"

namespace wirespan::gateway::query {

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code =
        text[i] == '%' && i + 2 < text.size() ? ParseHex(text.substr(i + 1, 2)) : std::nullopt;
    if (code) {
      decoded.push_back(static_cast<char>(*code));
      i += 2;
    } else {
      decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

Form::Form(std::string_view query) {
  for (const std::string_view field : Split(query, '&')) {
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    fields_.emplace_back(
        PercentDecode(field.substr(0, equals), true),
        equals == std::string_view::npos ? "" : PercentDecode(field.substr(equals + 1), true));
  }
}

std::string_view Form::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string_view> Form::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : fields_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

std::optional<std::uint64_t> ParseGoDuration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ns;
  };
  // Longer names first: "ms" is no "m".
  static constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                                  {"us", 1e3},
                                                  {"\xc2\xb5s", 1e3},
                                                  {"\xce\xbcs", 1e3},
                                                  {"ms", 1e6},
                                                  {"s", 1e9},
                                                  {"m", 60e9},
                                                  {"h", 3600e9}}};
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto number = ParseDouble(text.substr(0, digits));
    if (!number) return std::nullopt;
    text.remove_prefix(digits);
    bool known = false;
    for (const Unit& unit : kUnits) {
      if (!text.starts_with(unit.name)) continue;
      sum += *number * unit.ns;
      text.remove_prefix(unit.name.size());
      known = true;
      break;
    }
    if (!known) return std::nullopt;
  }
  if (sum > 9.2e18) return std::nullopt;  // Go's has 63 bits
  return static_cast<std::uint64_t>(std::llround(sum));
}

bool IsGoBool(std::string_view text) {
  for (const char* known :
       {"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"}) {
    if (text == known) return true;
  }
  return false;
}

std::optional<Tags> ParseTagsJson(std::string_view json) {
  otlp::JsonLexer lexer(json);
  Tags tags;
  if (!lexer.Take('{')) return std::nullopt;
  if (!lexer.Take('}')) {
    do {
      std::string key;
      std::string value;
      if (!lexer.String(key) || !lexer.Take(':') || !lexer.String(value)) return std::nullopt;
      tags.emplace_back(std::move(key), std::move(value));
    } while (lexer.Take(','));
    if (!lexer.Take('}')) return std::nullopt;
  }
  if (!lexer.AtEnd()) return std::nullopt;
  return tags;
}

}  // namespace wirespan::gateway::query
