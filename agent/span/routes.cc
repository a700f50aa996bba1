#include "agent/span/routes.h"

#include <algorithm>

namespace wirespan::span {
namespace {

// Takes the next segment off `path`, which begins with '/'.
std::string_view NextSegment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash);
  return segment;
}

}  // namespace

bool RouteSet::Matches(const Pattern& pattern, std::string_view path) {
  for (const std::string& wanted : pattern.segments) {
    if (path.empty() || path.front() != '/') return false;
    const std::string_view segment = NextSegment(path);
    if (wanted == "*" ? segment.empty() : segment != wanted) return false;
  }
  return pattern.rest ? path.empty() || path.front() == '/' : path.empty();
}

std::string_view RouteSet::Match(std::string_view path) const {
  for (const Pattern& pattern : patterns_) {
    if (Matches(pattern, path)) return pattern.text;
  }
  return {};
}

Result<Routes> Routes::Compile(const std::vector<RouteRule>& rules) {
  Routes routes;
  for (const RouteRule& rule : rules) {
    auto glob = Glob::Compile(rule.service);
    if (!glob) return Wrap("routes: service '" + rule.service + "'", std::move(glob.error()));
    Rule compiled{std::move(*glob), {}};
    for (const std::string& text : rule.patterns) {
      const auto bad = [&](const char* why) {
        return Fail(ErrorCode::kInvalidArgument, "routes: pattern '" + text + "' " + why);
      };
      if (text.empty() || text.front() != '/') return bad("must begin with '/'");
      RouteSet::Pattern pattern{text, {}, false};
      for (std::string_view rest = text; !rest.empty();) {
        const std::string_view segment = NextSegment(rest);
        if (segment == "*" && rest.empty()) {
          pattern.rest = true;
        } else if (segment.size() >= 3 && segment.front() == '{' && segment.back() == '}' &&
                   segment.find_first_of("{}", 1) == segment.size() - 1) {
          pattern.segments.emplace_back("*");
        } else if (segment.find_first_of("{}") != std::string_view::npos) {
          return bad("needs each {name} to be a whole segment");
        } else if (segment.size() > 1 && segment.find('*') != std::string_view::npos) {
          return bad("needs each * to be a whole segment");
        } else {
          pattern.segments.emplace_back(segment);
        }
      }
      compiled.patterns.push_back(std::move(pattern));
    }
    routes.rules_.push_back(std::move(compiled));
  }
  return routes;
}

RouteSet Routes::ForService(std::string_view service_name) const {
  RouteSet set;
  for (const Rule& rule : rules_) {
    if (!rule.service.Matches(service_name)) continue;
    set.patterns_.insert(set.patterns_.end(), rule.patterns.begin(), rule.patterns.end());
  }
  return set;
}

}  // namespace wirespan::span
