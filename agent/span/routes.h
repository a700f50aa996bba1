#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/glob.h"
#include "common/base/result.h"

namespace wirespan::span {

// `routes:` of the config: the patterns of the services whose name `service` (a glob) matches.
struct RouteRule {
  std::string service = "*";
  std::vector<std::string> patterns{};
};

// One service's patterns. A pattern is a path: literal segments, `{name}` for exactly one non-empty
// segment, `*` for any one segment, and as the last segment for all that follows (also nothing).
// The first that matches, in the order of the config, is http.route.
class RouteSet {
 public:
  RouteSet() = default;
  // The pattern that matches; empty: none. A view into this object.
  std::string_view Match(std::string_view path) const;
  bool empty() const { return patterns_.empty(); }

 private:
  friend class Routes;
  struct Pattern {
    std::string text{};
    std::vector<std::string> segments{};  // "*": any one; "": only at the end, a trailing slash
    bool rest = false;                    // ends in '*'
  };
  static bool Matches(const Pattern& pattern, std::string_view path);
  std::vector<Pattern> patterns_{};
};

class Routes {
 public:
  // kInvalidArgument: a pattern without a leading '/', with an unbalanced or empty brace, or a bad
  // service glob; the message names it.
  static Result<Routes> Compile(const std::vector<RouteRule>& rules);
  RouteSet ForService(std::string_view service_name) const;
  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    Glob service;
    std::vector<RouteSet::Pattern> patterns{};
  };
  std::vector<Rule> rules_{};
};

}  // namespace wirespan::span
