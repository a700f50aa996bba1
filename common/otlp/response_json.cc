// What a server answers as OTLP/JSON, read. Unknown members are passed over, as everywhere in it.
#include <functional>
#include <limits>

#include "common/base/strings.h"
#include "common/otlp/json_lexer.h"
#include "common/otlp/response.h"

namespace wirespan::otlp {

namespace {

// Calls `member` with each key of an object; it takes the value.
bool Object(JsonLexer& lexer, const std::function<bool(const std::string& key)>& member) {
  if (!lexer.Take('{')) return false;
  if (lexer.Take('}')) return true;
  do {
    std::string key;
    if (!lexer.String(key) || !lexer.Take(':') || !member(key)) return false;
  } while (lexer.Take(','));
  return lexer.Take('}');
}

// A number, or the same as a text: 64 bits have both forms.
bool Count(JsonLexer& lexer, std::int64_t& count) {
  std::string quoted;
  std::string_view text;
  if (lexer.Peek() == '"') {
    if (!lexer.String(quoted)) return false;
    text = quoted;
  } else if (!lexer.Number(text)) {
    return false;
  }
  const auto value = ParseUint(text);
  if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return false;
  }
  count = static_cast<std::int64_t>(*value);
  return true;
}

}  // namespace

bool DecodeResponseJson(std::string_view json, PartialSuccess& partial) {
  JsonLexer lexer(json);
  PartialSuccess read;
  const auto in_partial = [&](const std::string& key) {
    if (key == "errorMessage" && lexer.Peek() == '"') return lexer.String(read.message);
    // rejectedSpans, rejectedDataPoints, ...: a response is of one signal.
    if (key.starts_with("rejected") && lexer.Peek() != 'n') return Count(lexer, read.rejected);
    return lexer.SkipValue(2);
  };
  const bool whole = Object(lexer, [&](const std::string& key) {
    if (key == "partialSuccess" && lexer.Peek() == '{') return Object(lexer, in_partial);
    return lexer.SkipValue(1);
  });
  if (!whole || !lexer.AtEnd()) return false;
  partial = std::move(read);
  return true;
}

}  // namespace wirespan::otlp
