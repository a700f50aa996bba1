#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/process/pod_scope.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

// Other agents of this machine, so that no exchange is reported twice. An agent says what it
// observes in a file without a name (a memfd) that the others find below its /proc/PID/fd: that
// works across containers, needs no folder that they share, and is gone with the process.
//
// Who comes later adapts to what is there, so that nobody has to be told anything:
//
//   what is there      a node-wide agent comes         one for its own pod comes
//   node-wide          waits until that one ends       waits until that one ends
//   for a pod          leaves that pod out until       waits, if it is the same pod
//                      that one ends
//
// Two that come at once: each writes that it claims before it looks. Who sees an older claim gives
// way; who sees a younger one lets it see, and decide, first.
namespace wirespan::app {

enum class AgentState : std::uint8_t { kClaiming, kActive, kWaiting };

// What an agent says of itself: "wirespan-agent 1 node active\n". One line; later versions may add
// words.
struct AgentWord {
  bool node_wide = true;
  AgentState state = AgentState::kClaiming;
};
std::string WriteWord(const AgentWord& word);
std::optional<AgentWord> ReadWord(std::string_view text);

struct Neighbour {
  std::uint32_t pid = 0;
  std::uint64_t start_ticks = 0;  // with the pid it names the process
  AgentWord word{};
  std::optional<process::PodScope> pod{};  // that it is in, as seen from here
};

// This agent's own word, for as long as it lives.
class Registration {
 public:
  static Result<Registration> Create(AgentWord word);
  Result<> Say(AgentWord word);

 private:
  explicit Registration(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

// The other agents that `root`/proc shows; `self` is left out. Agents that say nothing (other
// versions, other commands) are none.
std::vector<Neighbour> FindNeighbours(const std::string& root, std::uint32_t self);
// What that process says now; nullopt: it is gone.
std::optional<AgentWord> AskNeighbour(const std::string& root, const Neighbour& neighbour);

// What an agent does about the others.
struct Turn {
  enum class Kind : std::uint8_t { kGo, kWait, kLookAgain };
  Kind kind = Kind::kGo;
  const Neighbour* because = nullptr;        // kWait, kLookAgain
  std::vector<const Neighbour*> left_out{};  // kGo: those whose pods are theirs
};

struct Self {
  std::uint32_t pid = 0;
  std::uint64_t start_ticks = 0;
  bool node_wide = true;
  std::optional<process::PodScope> pod{};
};

// Pure. `self` has said that it claims.
Turn Judge(const Self& self, const std::vector<Neighbour>& others);

// "pid 77, which observes this node": for sentences.
std::string Describe(const Neighbour& neighbour);

}  // namespace wirespan::app
