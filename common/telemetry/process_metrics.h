#pragma once

#include <string>
#include <string_view>

#include "common/telemetry/metrics.h"

namespace wirespan::telemetry {

// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
// process_open_fds, process_max_fds, process_threads and process_start_time_seconds of this
// process, read at each scrape from <proc_root>/self and <proc_root>/stat. What can't be read is
// left out.
void RegisterProcessMetrics(Registry& registry, std::string proc_root = "/proc");

// wirespan_build_info{program,version,revision} 1
void RegisterBuildInfo(Registry& registry, std::string_view program, std::string_view version,
                       std::string_view revision);

}  // namespace wirespan::telemetry
