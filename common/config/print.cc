#include "common/config/print.h"

#include <fmt/format.h>

#include "common/base/redact_url.h"
#include "common/base/strings.h"

namespace wirespan::config {
namespace {

// Plain only where nothing of it can be taken for YAML's own signs; quoted in doubt.
bool IsPlain(std::string_view text) {
  if (text.empty()) return false;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./+-:%@").find(c) != std::string_view::npos;
  };
  for (const char c : text) {
    if (!fits(c)) return false;
  }
  // ": " can't occur (no blanks); a colon at the end could, and so could "-", "%x" and "@x".
  return text.back() != ':' && text.front() != '-' && text.front() != '%' && text.front() != '@' &&
         text.front() != ':' && text != "null" && text != "Null" && text != "NULL";
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

class Printer {
 public:
  explicit Printer(const IsSecret& is_secret) : is_secret_(is_secret) {}

  // What follows "key:" or "-": on the same line for scalars and empty ones, below otherwise.
  void Below(const Value& value, std::size_t indent) {
    if (value.kind == Value::Kind::kMap && !value.map.empty()) {
      out_.push_back('\n');
      Map(value, indent);
    } else if (value.kind == Value::Kind::kList && !value.list.empty()) {
      out_.push_back('\n');
      List(value, indent);
    } else {
      const std::string text = Inline(value);
      if (!text.empty()) out_ += " " + text;
      out_.push_back('\n');
    }
  }

  void Map(const Value& value, std::size_t indent) {
    for (const Value::Entry& entry : value.map) {
      out_.append(indent, ' ');
      out_ += IsPlain(entry.key) ? entry.key : Quoted(entry.key);
      out_.push_back(':');
      path_.push_back(entry.key);
      Below(entry.value, indent + 2);
      path_.pop_back();
    }
  }

  void List(const Value& value, std::size_t indent) {
    for (const Value& item : value.list) {
      out_.append(indent, ' ');
      out_.push_back('-');
      Below(item, indent + 2);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  std::string Inline(const Value& value) const {
    switch (value.kind) {
      case Value::Kind::kNull:
        return "";
      case Value::Kind::kMap:
        return "{}";
      case Value::Kind::kList:
        return "[]";
      case Value::Kind::kScalar:
        break;
    }
    if (!value.text.empty() && is_secret_ && is_secret_(path_)) return "\"[REDACTED]\"";
    const std::string text = is_secret_ ? RedactUrl(value.text) : value.text;
    return !value.quoted && IsPlain(text) ? text : Quoted(text);
  }

  const IsSecret& is_secret_;
  std::vector<std::string_view> path_{};
  std::string out_{};
};

}  // namespace

std::string PrintYaml(const Value& value, const IsSecret& is_secret) {
  Printer printer(is_secret);
  if (value.kind == Value::Kind::kMap && !value.map.empty()) {
    printer.Map(value, 0);
  } else if (value.kind == Value::Kind::kList && !value.list.empty()) {
    printer.List(value, 0);
  } else {
    printer.Below(value, 0);
  }
  std::string text = printer.take();
  return text.starts_with(' ') ? text.substr(1) : text;
}

}  // namespace wirespan::config
