#include "agent/process/proc_text.h"

#include <algorithm>
#include <charconv>

namespace wirespan::process {
namespace {

constexpr std::string_view kOtelPrefix = "OTEL_";
constexpr std::size_t kMaxNameBytes = 256;

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view NextWord(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(word.size());
  return word;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::optional<ProcessStat> ParseStat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  ProcessStat stat;
  stat.comm = text.substr(open + 1, std::min<std::size_t>(close - open - 1, 64));
  std::string_view rest = text.substr(close + 1);
  constexpr std::uint64_t kExiting = 4;           // PF_EXITING of the kernel, in field 9
  const std::string_view state = NextWord(rest);  // field 3
  stat.exiting = state == "Z" || state == "X";
  const auto parent = ParseNumber<std::uint32_t>(NextWord(rest));
  if (!parent) return std::nullopt;
  stat.parent_pid = *parent;
  for (int field = 5; field < 22; ++field) {
    const std::string_view word = NextWord(rest);
    if (field == 9 && (ParseNumber<std::uint64_t>(word).value_or(0) & kExiting) != 0)
      stat.exiting = true;
  }
  const auto start = ParseNumber<std::uint64_t>(NextWord(rest));
  if (!start) return std::nullopt;
  stat.start_ticks = *start;
  return stat;
}

std::optional<std::uint32_t> ParseStatusUid(std::string_view text) {
  constexpr std::string_view kUid = "\nUid:";
  const std::size_t at = text.find(kUid);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + kUid.size());
  NextWord(rest);  // real
  return ParseNumber<std::uint32_t>(NextWord(rest));
}

std::uint32_t ParseStatusInnerPid(std::string_view text) {
  constexpr std::string_view kPids = "\nNSpid:";
  const std::size_t at = text.find(kPids);
  if (at == std::string_view::npos) return 0;
  std::string_view line = text.substr(at + kPids.size());
  line = line.substr(0, line.find('\n'));
  std::uint32_t innermost = 0;
  while (true) {
    const std::string_view word = NextWord(line);
    if (word.empty()) return innermost;
    innermost = ParseNumber<std::uint32_t>(word).value_or(0);
  }
}

std::vector<std::string> SplitArguments(std::string_view text, const ArgumentBounds& bounds) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < bounds.max_count) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    out.emplace_back(text.substr(0, std::min(end, bounds.max_bytes_each)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  while (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

bool OtelVariableReader::Feed(std::string_view piece) {
  while (!piece.empty() && found_.size() < kMaxVariables) {
    const std::size_t end = piece.find('\0');
    std::string_view part = piece.substr(0, end);
    if (!skipping_) {
      const std::size_t room = kOtelPrefix.size() + kMaxNameBytes + kMaxValueBytes;
      current_.append(part.substr(0, room - std::min(room, current_.size())));
      const std::size_t known = std::min(current_.size(), kOtelPrefix.size());
      if (std::string_view(current_).substr(0, known) != kOtelPrefix.substr(0, known)) {
        skipping_ = true;
        current_.clear();
      }
    }
    if (end == std::string_view::npos) break;
    EndVariable();
    piece.remove_prefix(end + 1);
  }
  return found_.size() < kMaxVariables;
}

void OtelVariableReader::EndVariable() {
  const std::size_t equals = current_.find('=');
  if (!skipping_ && equals != std::string::npos && equals > kOtelPrefix.size() &&
      equals <= kMaxNameBytes && kept_bytes_ + current_.size() <= kMaxTotalBytes) {
    kept_bytes_ += current_.size();
    found_.emplace_back(current_.substr(0, equals), current_.substr(equals + 1, kMaxValueBytes));
  }
  current_.clear();
  skipping_ = false;
}

Variables OtelVariableReader::Finish() {
  if (found_.size() < kMaxVariables) EndVariable();
  return std::move(found_);
}

Variables ParseResourceAttributes(std::string_view text) {
  Variables out;
  for (int member = 0; member < 64 && !text.empty(); ++member) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::string key = PercentDecode(Trim(pair.substr(0, equals)));
    std::string value = PercentDecode(Trim(pair.substr(equals + 1)));
    if (key.empty() || key.size() > kMaxNameBytes || value.size() > kMaxNameBytes) continue;
    out.emplace_back(std::move(key), std::move(value));
  }
  return out;
}

std::string_view FindVariable(const Variables& variables, std::string_view name) {
  for (const auto& [key, value] : variables) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace wirespan::process
