#include "agent/span/thread_links.h"

#include <algorithm>

namespace wirespan::span {
namespace {

constexpr std::uint16_t kCleanNeeded = 100;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kSweepInterval = 60 * kSecond;
constexpr std::size_t kMaxAsynchronous = 65536;

}  // namespace

ThreadLinks::Thread* ThreadLinks::Find(std::uint32_t pid, std::uint32_t tid, std::uint64_t now_ns,
                                       bool create) {
  if (tid == 0) return nullptr;
  const Key key = KeyOf(pid, tid);
  auto found = threads_.find(key);
  if (found == threads_.end()) {
    if (!create) return nullptr;
    if (threads_.size() >= kMaxThreads) {
      if (now_ns - swept_ns_ < kSecond) return nullptr;
      Sweep(now_ns, kSecond, false);
      if (threads_.size() >= kMaxThreads) return nullptr;
    }
    found = threads_.try_emplace(key).first;
  } else if (!exited_.empty()) {
    const auto exit = exited_.find(pid);
    if (exit != exited_.end() && found->second.last_ns <= exit->second) found->second = Thread{};
  }
  found->second.last_ns = now_ns;
  return &found->second;
}

void ThreadLinks::BeginServer(std::uint32_t pid, std::uint32_t tid, Slot slot,
                              std::uint64_t now_ns) {
  Thread* thread = Find(pid, tid, now_ns, true);
  if (thread == nullptr) return;
  if (thread->open_servers + thread->open_clients > 0) thread->never = true;
  ++thread->open_servers;
  thread->served = true;
  thread->server = thread->open_servers == 1 ? slot : kNone;
}

ThreadLinks::Slot ThreadLinks::BeginClient(std::uint32_t pid, std::uint32_t tid,
                                           std::uint64_t now_ns) {
  Thread* thread = Find(pid, tid, now_ns, true);
  if (thread == nullptr) return kNone;
  if (thread->open_clients > 0) thread->never = true;
  ++thread->open_clients;
  if (thread->open_servers == 0) {
    if (thread->served) {
      thread->never = true;
    } else {
      thread->clean_needed = kCleanNeeded;
    }
    return kNone;
  }
  if (thread->never || thread->clean_needed > 0 || asynchronous_.contains(pid)) return kNone;
  return thread->server;
}

void ThreadLinks::CarryStream(std::uint32_t pid, std::uint32_t tid, std::uint64_t now_ns) {
  if (Thread* thread = Find(pid, tid, now_ns, true)) thread->never = true;
}

void ThreadLinks::EndStream(std::uint32_t pid, std::uint32_t tid, std::uint32_t response_tid,
                            std::uint64_t now_ns) {
  if (response_tid == 0) return;
  if (response_tid != tid) NoteAsynchronous(pid);
  CarryStream(pid, response_tid, now_ns);
}

void ThreadLinks::NoteAsynchronous(std::uint32_t pid) {
  if (asynchronous_.size() >= kMaxAsynchronous) asynchronous_.erase(asynchronous_.begin());
  asynchronous_.insert(pid);
}

bool ThreadLinks::EndServer(std::uint32_t pid, std::uint32_t tid, std::uint32_t response_tid,
                            Slot slot, std::uint64_t now_ns) {
  if (response_tid != 0 && response_tid != tid) NoteAsynchronous(pid);
  Thread* thread = Find(pid, tid, now_ns, false);
  if (thread == nullptr || thread->open_servers == 0) return false;
  --thread->open_servers;
  const bool linked = thread->server == slot && !thread->never && thread->clean_needed == 0 &&
                      response_tid == tid && !asynchronous_.contains(pid);
  thread->server = kNone;
  if (thread->clean_needed > 0) --thread->clean_needed;
  return linked;
}

bool ThreadLinks::EndClient(std::uint32_t pid, std::uint32_t tid, std::uint32_t response_tid,
                            std::uint64_t now_ns) {
  Thread* thread = Find(pid, tid, now_ns, false);
  if (thread == nullptr) return false;
  if (thread->open_clients > 0) --thread->open_clients;
  const bool same = response_tid == 0 || response_tid == tid;
  if (!same) thread->never = true;
  return same;
}

void ThreadLinks::OnProcessExit(std::uint32_t pid, std::uint64_t now_ns) {
  asynchronous_.erase(pid);
  if (exits_.size() >= kMaxThreads) {
    const auto [when, oldest] = exits_.front();
    exits_.pop_front();
    const auto found = exited_.find(oldest);
    if (found != exited_.end() && found->second == when) exited_.erase(found);
  }
  exited_[pid] = now_ns;
  exits_.emplace_back(now_ns, pid);
}

void ThreadLinks::Tick(std::uint64_t now_ns) {
  if (now_ns - swept_ns_ < kSweepInterval) return;
  Sweep(now_ns, kSweepInterval, threads_.size() > kMaxThreads / 4 * 3);
}

void ThreadLinks::Sweep(std::uint64_t now_ns, std::uint64_t idle_ns, bool marked_too) {
  swept_ns_ = now_ns;
  absl::erase_if(threads_, [&](const auto& entry) {
    const Thread& thread = entry.second;
    const auto pid = static_cast<std::uint32_t>(entry.first >> 32);
    const auto exit = exited_.find(pid);
    if (exit != exited_.end() && thread.last_ns <= exit->second) return true;
    const std::uint64_t idle = now_ns - std::min(now_ns, thread.last_ns);
    if (thread.never || thread.clean_needed > 0) return marked_too && idle > 10 * kSweepInterval;
    return thread.open_servers + thread.open_clients == 0 && idle > idle_ns;
  });
  // Every thread of those processes is gone from the table by now.
  while (!exits_.empty() && now_ns - std::min(now_ns, exits_.front().first) > kSweepInterval) {
    const auto found = exited_.find(exits_.front().second);
    if (found != exited_.end() && found->second == exits_.front().first) exited_.erase(found);
    exits_.pop_front();
  }
}

}  // namespace wirespan::span
