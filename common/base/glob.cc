#include "common/base/glob.h"

#include <cstddef>

namespace wirespan {
namespace {
constexpr std::size_t kMaxPatternBytes = 4096;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);
}  // namespace

Result<Glob> Glob::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return Fail(ErrorCode::kInvalidArgument, "pattern is longer than 4096 bytes");
  }
  Glob glob;
  glob.pattern_ = pattern;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const auto byte = static_cast<unsigned char>(pattern[i]);
    if (byte == '*') {
      glob.literal_ = false;
      if (!glob.tokens_.empty() && glob.tokens_.back().kind == Kind::kRun) continue;
      glob.tokens_.push_back({.kind = Kind::kRun});
    } else if (byte == '?') {
      glob.literal_ = false;
      glob.tokens_.push_back({.kind = Kind::kAny});
    } else if (byte == '\\') {
      if (++i == pattern.size()) {
        return Fail(ErrorCode::kInvalidArgument,
                    "pattern \"" + glob.pattern_ + "\" ends in a lone backslash");
      }
      glob.tokens_.push_back({.kind = Kind::kByte, .byte = static_cast<unsigned char>(pattern[i])});
    } else if (byte == '[') {
      glob.literal_ = false;
      Set set;
      std::size_t at = i + 1;
      const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
      if (negated) ++at;
      bool first = true;
      while (at < pattern.size() && (first || pattern[at] != ']')) {
        first = false;
        if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
        const auto low = static_cast<unsigned char>(pattern[at]);
        unsigned high = low;
        if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
          at += 2;
          if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
          high = static_cast<unsigned char>(pattern[at]);
        }
        for (unsigned b = low; b <= high; ++b) set.Add(static_cast<unsigned char>(b));
        ++at;
      }
      if (at >= pattern.size()) {
        return Fail(ErrorCode::kInvalidArgument,
                    "pattern \"" + glob.pattern_ + "\" has a '[' without its ']'");
      }
      if (negated) {
        for (auto& bits : set.bits) bits = ~bits;
      }
      glob.tokens_.push_back({.kind = Kind::kSet, .set = static_cast<unsigned>(glob.sets_.size())});
      glob.sets_.push_back(set);
      i = at;
    } else {
      glob.tokens_.push_back({.kind = Kind::kByte, .byte = byte});
    }
  }
  return glob;
}

std::string Glob::literal_text() const {
  std::string text;
  for (const Token& token : tokens_) text.push_back(static_cast<char>(token.byte));
  return text;
}

bool Glob::MatchesOne(const Token& token, unsigned char byte) const {
  switch (token.kind) {
    case Kind::kByte:
      return token.byte == byte;
    case Kind::kAny:
      return true;
    case Kind::kSet:
      return sets_[token.set].Has(byte);
    case Kind::kRun:
      return false;
  }
  return false;
}

// Only the last '*' ever needs to be tried again: what stands before it has matched as early as it
// can.
bool Glob::Matches(std::string_view text) const {
  std::size_t token = 0;
  std::size_t at = 0;
  std::size_t run_token = kNone;
  std::size_t run_at = 0;
  while (at < text.size()) {
    if (token < tokens_.size() && tokens_[token].kind == Kind::kRun) {
      run_token = token++;
      run_at = at;
    } else if (token < tokens_.size() &&
               MatchesOne(tokens_[token], static_cast<unsigned char>(text[at]))) {
      ++token;
      ++at;
    } else if (run_token != kNone) {
      token = run_token + 1;
      at = ++run_at;
    } else {
      return false;
    }
  }
  while (token < tokens_.size() && tokens_[token].kind == Kind::kRun) ++token;
  return token == tokens_.size();
}

Result<GlobSet> GlobSet::Compile(const std::vector<std::string>& patterns) {
  GlobSet set;
  for (const std::string& pattern : patterns) {
    auto glob = Glob::Compile(pattern);
    if (!glob) return tl::unexpected<Error>(std::move(glob.error()));
    set.globs_.push_back(std::move(*glob));
  }
  return set;
}

bool GlobSet::Matches(std::string_view text) const {
  for (const Glob& glob : globs_) {
    if (glob.Matches(text)) return true;
  }
  return false;
}

}  // namespace wirespan
