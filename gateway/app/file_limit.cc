#include "gateway/app/file_limit.h"

#include <sys/resource.h>

namespace wirespan::gateway {

void AllowManyConnections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // else it goes on with what it has
}

}  // namespace wirespan::gateway
