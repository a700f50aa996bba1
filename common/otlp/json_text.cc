#include "common/otlp/json_text.h"

#include "common/base/strings.h"

namespace wirespan::otlp {

void AppendJsonString(std::string& out, std::string_view text) {
  std::string repaired;
  if (!IsUtf8(text)) {
    repaired = ToUtf8(text);
    text = repaired;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kDigits[(c >> 4) & 15];
          out += kDigits[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace wirespan::otlp
