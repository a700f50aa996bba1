#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/queue/disk.h"

namespace wirespan::queue {

// Lists what a queue's folder holds, one line a record, without changing anything: for people. A
// queue that a running program has open may be looked at too.
Result<> Dump(Disk& disk, const std::function<void(std::string_view line)>& print);

}  // namespace wirespan::queue
