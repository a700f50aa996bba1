#include "gateway/pipeline/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace wirespan::gateway {

namespace {
re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }
}  // namespace

Result<Pattern> Pattern::Compile(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(Piece(text), options);
  if (!regex->ok()) {
    return Fail(ErrorCode::kInvalidArgument,
                "\"" + std::string(text) + "\" is no pattern: " + regex->error());
  }
  Pattern pattern;
  pattern.groups_.resize(static_cast<std::size_t>(regex->NumberOfCapturingGroups()));
  for (const auto& [index, name] : regex->CapturingGroupNames()) {
    pattern.groups_[static_cast<std::size_t>(index) - 1] = name;
  }
  pattern.regex_ = std::move(regex);
  return pattern;
}

const std::string& Pattern::text() const { return regex_->pattern(); }

bool Pattern::Matches(std::string_view text) const {
  return regex_->Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool Pattern::Extract(std::string_view text, std::vector<std::string_view>& groups) const {
  std::vector<re2::StringPiece> found(groups_.size() + 1);
  if (!regex_->Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, found.data(),
                     static_cast<int>(found.size()))) {
    return false;
  }
  groups.clear();
  for (std::size_t i = 1; i < found.size(); ++i) {
    groups.emplace_back(found[i].data() == nullptr ? "" : found[i].data(), found[i].size());
  }
  return true;
}

}  // namespace wirespan::gateway
