#include "gateway/app/allocator.h"

#include <malloc.h>

namespace wirespan::gateway {

namespace {
// Larger blocks are mapped and unmapped one by one: rare, and worth giving back.
constexpr int kMappedFrom = 8 << 20;
// So much may stay unused at the end of the heap (of each arena).
constexpr int kKept = 32 << 20;
}  // namespace

void KeepMemoryOfRequests() {
#ifdef M_MMAP_THRESHOLD  // glibc; other C libraries have their own ways
  ::mallopt(M_MMAP_THRESHOLD, kMappedFrom);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
#endif
}

}  // namespace wirespan::gateway
