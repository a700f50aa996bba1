#include "agent/process/glob.h"

#include "common/base/glob.h"

namespace wirespan::process {

bool GlobMatches(std::string_view pattern, std::string_view text) {
  const auto glob = Glob::Compile(pattern);
  return glob && glob->Matches(text);
}

bool PathGlobMatches(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  }
  return GlobMatches(pattern, path);
}

}  // namespace wirespan::process
