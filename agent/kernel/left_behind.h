#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/connection/event.h"
#include "agent/kernel/ring_reader.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace wirespan::kernel {

class BpfObject;

// What an agent that stops leaves for the one that starts after it, so that a restart misses
// nothing: its programs go on writing into its rings, pinned in the BPF file system, for a while.
//
//   stopping agent   LeaveBehind: pins links, rings, verdicts, and a map with `state`
//   starting agent   attaches its own programs, then Open, Drain, Release, Drain: what both saw is
//                    told twice, at the same offsets
//   nobody comes     within `hold` less a second; in that second the programs end (the kernel's own
//                    clock tells them), and a process that was left for it takes the pins away
//
// A version whose records look different finds the pins too old or too new and removes them.
class LeftBehind {
 public:
  // How rings are laid out; part of what is left.
  struct Layout {
    std::uint32_t cpus = 0;
    std::uint64_t ring_size = 0;
  };

  // Pins everything below `directory` (created, mode 0700; what lay there goes first). On an error
  // nothing stays pinned: kUnsupported where the backend's links can't outlive their process,
  // kNotFound where `directory` is in no BPF file system.
  static Result<> Leave(const std::string& directory, BpfObject& object, const Layout& layout,
                        std::string_view state, std::chrono::seconds hold);

  // Null: nothing is there that may be used; what can't be used is removed. `self` is not captured
  // by the old programs from now on.
  static std::unique_ptr<LeftBehind> Open(const std::string& directory, std::uint32_t self);
  ~LeftBehind();  // Release()
  LeftBehind(const LeftBehind&) = delete;
  LeftBehind& operator=(const LeftBehind&) = delete;

  const std::string& state() const { return state_; }
  // Hands over what the old programs wrote up to now. Returns how many events.
  std::uint64_t Drain(connection::EventHandler& handler);
  // The old programs are no more; one more Drain brings their last words.
  void Release();

  // Removes the pins, whoever left them. For uninstalling.
  static void Remove(const std::string& directory);

 private:
  LeftBehind() = default;

  std::string directory_{};
  std::string state_{};
  std::unique_ptr<RingReader> reader_{};
  UniqueFd rings_{};
  UniqueFd side_ring_{};
};

}  // namespace wirespan::kernel
