#include "agent/kernel/return_probe.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "common/base/unique_fd.h"

namespace wirespan::kernel {
namespace {

constexpr int kMostAtOnce = 4096;  // the kernel's bound for tracefs
constexpr const char* kGroup = "wirespan";

std::string TracefsFolder() {
  for (const char* folder : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    if (access(fmt::format("{}/kprobe_events", folder).c_str(), W_OK) == 0) return folder;
  }
  return {};
}

// One command to kprobe_events; 0 or an error number.
int Command(const std::string& folder, const std::string& text) {
  const UniqueFd file(
      open((folder + "/kprobe_events").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));  // no truncation
  if (!file.valid()) return errno;
  return write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

// Events are named <function>_<pid>: those of processes that are gone.
void RemoveLeftOvers(const std::string& folder) {
  std::ifstream events(folder + "/kprobe_events");
  std::string line{};
  const std::string mark = fmt::format(":{}/", kGroup);
  while (std::getline(events, line)) {
    const auto at = line.find(mark);
    if (at == std::string::npos) continue;
    const std::string event = line.substr(at + 1, line.find(' ', at) - at - 1);
    const auto pid_at = event.rfind('_');
    if (pid_at == std::string::npos) continue;
    const int pid = std::atoi(event.c_str() + pid_at + 1);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) Command(folder, "-:" + event);
  }
}

UniqueFd OpenEvent(const std::string& folder, const std::string& event) {
  std::ifstream file(fmt::format("{}/events/{}/id", folder, event));
  std::uint64_t id = 0;
  if (!(file >> id)) return {};
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof(attributes);
  attributes.config = id;
  return UniqueFd(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

Result<std::unique_ptr<ReturnProbe>> ReturnProbe::Attach(bpf_program* program,
                                                         const std::string& function) {
  const std::string folder = TracefsFolder();
  if (folder.empty()) {
    return Fail(ErrorCode::kUnsupported,
                "tracefs (/sys/kernel/tracing) is not mounted or has no kprobe_events");
  }
  RemoveLeftOvers(folder);
  const std::string event = fmt::format("{}/{}_{}", kGroup, function, getpid());
  Command(folder, "-:" + event);  // of an earlier process with our number
  if (const int error = Command(folder, fmt::format("r{}:{} {}\n", kMostAtOnce, event, function))) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("hook the return of {} (error {})", function, error));
  }
  UniqueFd opened = OpenEvent(folder, event);
  bpf_link* link = opened.valid() ? bpf_program__attach_perf_event(program, opened.get()) : nullptr;
  if (link == nullptr) {
    opened = UniqueFd();
    Command(folder, "-:" + event);
    return Fail(ErrorCode::kUnsupported, fmt::format("attach to the return of {}", function));
  }
  opened.release();  // the link's from here on
  return std::unique_ptr<ReturnProbe>(new ReturnProbe(event, link));
}

ReturnProbe::~ReturnProbe() {
  bpf_link__destroy(link_);
  if (const std::string folder = TracefsFolder(); !folder.empty()) Command(folder, "-:" + event_);
}

}  // namespace wirespan::kernel
