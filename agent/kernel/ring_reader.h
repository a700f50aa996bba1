#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/connection/event.h"
#include "common/base/result.h"

struct ring_buffer;

namespace wirespan::kernel {

// The reading end of the per-CPU rings (bpf/abi/ring.h) and of the side ring. One thread.
//
// Events come out in the order of their times over all CPUs: the clock is read first, then each
// ring's position; what is younger than that clock waits for the next drain, because an older one
// may still be on its way on another CPU. A writer that lost its CPU (to another task, or as a
// virtual CPU to another machine) holds back what is younger than its last record for a while
// (kPatience in the .cc), or a socket's bytes might come before the socket itself.
class RingReader {
 public:
  // The map descriptors stay the caller's. `ring_size` is the data size of one ring, a power of
  // two.
  static Result<std::unique_ptr<RingReader>> Create(int rings_fd, int side_ring_fd,
                                                    std::uint32_t cpus, std::uint64_t ring_size);
  // Of rings that another process read up to their tails.
  static Result<std::unique_ptr<RingReader>> Continue(int rings_fd, int side_ring_fd,
                                                      std::uint32_t cpus, std::uint64_t ring_size);
  ~RingReader();
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  // Until the doorbell rings or `timeout` is over.
  void Wait(std::chrono::milliseconds timeout);
  // Hands over everything up to now, or less while a writer is in the middle. Returns how many
  // events.
  std::uint64_t Drain(connection::EventHandler& handler);
  // The last drain handed over less.
  bool held_back() const { return held_back_; }

  std::uint64_t capacity_bytes() const { return ring_size_ * rings_.size(); }
  std::uint64_t used_bytes() const { return used_; }  // found by the last drain
  std::uint64_t TakeMaxUsed();  // the most found by a drain since the last call
  std::uint64_t damaged() const { return damaged_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t delivered_bytes() const { return delivered_bytes_; }
  std::uint64_t waiting_bytes() const;  // written and not yet read, now; the side ring left out

 private:
  struct Ring {
    char* base = nullptr;
    std::uint64_t position = 0;  // read up to here
    std::uint64_t released = 0;  // tail, as the kernel sees it
    std::uint64_t limit = 0;     // head, as of this drain
    std::uint64_t known_to = 0;  // every record up to this time lies before `limit`
    std::uint64_t busy_since =
        0;  // first drain that met a writer in the middle; 0: the last one did not
    std::uint64_t next_ts = 0;  // of the record at position; ~0: none for this drain
  };

  RingReader(std::uint64_t ring_size);
  void Snapshot(Ring& ring, std::uint64_t now);
  std::uint64_t Horizon(std::uint64_t now);
  void Advance(Ring& ring, std::uint64_t horizon);
  void Release(Ring& ring);
  void DrainSide();
  static int OnSideRecord(void* self, void* data, std::size_t size);

  std::uint64_t ring_size_;
  char* mapping_ = nullptr;
  std::size_t mapping_size_ = 0;
  std::vector<Ring> rings_{};
  ring_buffer* side_ = nullptr;
  std::vector<std::pair<std::uint64_t, std::string>> side_records_{};  // by time; at most kMaxSide
  bool held_back_ = false;
  std::uint64_t used_ = 0;
  std::uint64_t used_max_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t delivered_bytes_ = 0;
};

}  // namespace wirespan::kernel
