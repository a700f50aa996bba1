#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace re2 {
class RE2;
}

namespace wirespan::gateway {

// A regular expression in RE2's syntax, which is Go's: linear in the text, whatever the text. Cheap
// to copy, immutable, thread-safe.
class Pattern {
 public:
  // The error says what is wrong with it.
  static Result<Pattern> Compile(std::string_view text);

  // Somewhere in the text, unless the pattern has anchors.
  bool Matches(std::string_view text) const;
  // The first match's groups, in order; a group that took no part is empty. False: no match.
  bool Extract(std::string_view text, std::vector<std::string_view>& groups) const;

  // Names of the groups in order; an empty one for a group without a name.
  const std::vector<std::string>& groups() const { return groups_; }
  const std::string& text() const;  // as it was compiled

 private:
  std::shared_ptr<const re2::RE2> regex_{};
  std::vector<std::string> groups_{};
};

}  // namespace wirespan::gateway
