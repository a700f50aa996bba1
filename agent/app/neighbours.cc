#include "agent/app/neighbours.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>

#include "agent/process/file_reader.h"
#include "agent/process/procfs.h"
#include "common/base/strings.h"

namespace wirespan::app {
namespace {

constexpr const char* kFileName = "wirespan-agent";
constexpr std::string_view kLink = "/memfd:wirespan-agent (deleted)";
constexpr std::string_view kComm = "wirespan-agent";
constexpr std::string_view kHead = "wirespan-agent 1 ";
constexpr std::size_t kMaxProcesses = 1u << 20;
constexpr std::size_t kMaxDescriptors = 4096;
constexpr std::size_t kMaxWord = 256;

std::string_view NameOf(AgentState state) {
  switch (state) {
    case AgentState::kClaiming:
      return "claiming";
    case AgentState::kActive:
      return "active";
    case AgentState::kWaiting:
      return "waiting";
  }
  return "claiming";
}

std::optional<std::string> WordOf(const std::string& folder) {
  std::optional<std::string> text;
  const auto listed =
      process::ListFolderAt(AT_FDCWD, folder + "/fd", kMaxDescriptors, [&](const char* name) {
        const std::string path = folder + "/fd/" + name;
        const auto link = process::ReadLinkAt(AT_FDCWD, path);
        if (!link || *link != kLink) return true;
        if (auto read = process::ReadFileAt(AT_FDCWD, path, kMaxWord)) text = std::move(read->text);
        return false;
      });
  static_cast<void>(listed);  // gone, or not ours to look at: then it says nothing
  return text;
}

bool Older(const Neighbour& other, const Self& self) {
  return std::tie(other.start_ticks, other.pid) < std::tie(self.start_ticks, self.pid);
}

// Whether both would observe the same processes, and neither could leave the other's out.
bool InTheWay(const Self& self, const Neighbour& other) {
  if (other.word.node_wide) return true;
  return !self.node_wide && self.pod.has_value() && self.pod == other.pod;
}

}  // namespace

std::string WriteWord(const AgentWord& word) {
  return fmt::format("{}{} {}\n", kHead, word.node_wide ? "node" : "pod", NameOf(word.state));
}

std::optional<AgentWord> ReadWord(std::string_view text) {
  if (!text.starts_with(kHead)) return std::nullopt;
  text.remove_prefix(kHead.size());
  const auto words = SplitList(text.substr(0, text.find('\n')), ' ');
  if (words.size() < 2 || (words[0] != "node" && words[0] != "pod")) return std::nullopt;
  for (const AgentState state :
       {AgentState::kClaiming, AgentState::kActive, AgentState::kWaiting}) {
    if (words[1] == NameOf(state)) return AgentWord{words[0] == "node", state};
  }
  return std::nullopt;
}

Result<Registration> Registration::Create(AgentWord word) {
  UniqueFd file(memfd_create(kFileName, MFD_CLOEXEC));
  if (!file.valid()) return FailErrno("make the file that other agents read", errno);
  Registration registration(std::move(file));
  if (auto said = registration.Say(word); !said) return tl::unexpected(std::move(said.error()));
  return registration;
}

Result<> Registration::Say(AgentWord word) {
  std::string text = WriteWord(word);
  text.resize(64, ' ');  // one write of one length: a reader never finds half of two
  const ssize_t written = pwrite(file_.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size()))
    return FailErrno("write what other agents read", written < 0 ? errno : EIO);
  return {};
}

std::vector<Neighbour> FindNeighbours(const std::string& root, std::uint32_t self) {
  std::vector<Neighbour> found;
  const auto listed = process::ListProcesses(root, kMaxProcesses, [&](std::uint32_t pid) {
    if (pid == self) return;
    const std::string folder = fmt::format("{}/proc/{}", root, pid);
    const auto comm = process::ReadFileAt(AT_FDCWD, folder + "/comm", 64);
    if (!comm || TrimAscii(comm->text) != kComm) return;
    const auto text = WordOf(folder);
    const auto word = text ? ReadWord(*text) : std::nullopt;
    auto process = process::ProcessFolder::Open(root, pid);
    if (!word || !process) return;
    const auto stat = process->Stat();
    const auto cgroup = process->Cgroup();
    if (!stat || !cgroup) return;
    found.push_back({.pid = pid,
                     .start_ticks = stat->start_ticks,
                     .word = *word,
                     .pod = process::PodScope::Of(process::ParseCgroup(*cgroup))});
  });
  static_cast<void>(listed);
  return found;
}

std::optional<AgentWord> AskNeighbour(const std::string& root, const Neighbour& neighbour) {
  auto process = process::ProcessFolder::Open(root, neighbour.pid);
  if (!process) return std::nullopt;
  const auto stat = process->Stat();
  if (!stat || stat->start_ticks != neighbour.start_ticks) return std::nullopt;
  const auto text = WordOf(fmt::format("{}/proc/{}", root, neighbour.pid));
  return text ? ReadWord(*text) : std::nullopt;
}

Turn Judge(const Self& self, const std::vector<Neighbour>& others) {
  Turn turn;
  for (const Neighbour& other : others) {
    if (other.word.state == AgentState::kWaiting) continue;
    const bool decided = other.word.state == AgentState::kActive || Older(other, self);
    if (InTheWay(self, other)) {
      if (decided) return {.kind = Turn::Kind::kWait, .because = &other};
      turn.kind = Turn::Kind::kLookAgain;
      turn.because = &other;
    } else if (self.node_wide) {
      // A younger claim will find this agent in its way.
      if (decided) turn.left_out.push_back(&other);
    }
  }
  // A younger one for a pod that looked before this agent said anything goes ahead.
  if (self.node_wide && turn.kind == Turn::Kind::kGo) {
    for (const Neighbour& other : others) {
      if (!other.word.node_wide && other.word.state == AgentState::kClaiming && !Older(other, self))
        return {.kind = Turn::Kind::kLookAgain, .because = &other};
    }
  }
  return turn;
}

std::string Describe(const Neighbour& neighbour) {
  if (neighbour.word.node_wide)
    return fmt::format("agent with pid {} observes this node", neighbour.pid);
  return fmt::format("agent with pid {} observes the pod {}", neighbour.pid,
                     neighbour.pod ? neighbour.pod->group() : "that it is in");
}

}  // namespace wirespan::app
