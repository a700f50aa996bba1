#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace wirespan::gateway {

// Tells who waits for a free slot that there is one again. An exporter owns it and calls Notify()
// after a slot became free, holding no lock of its own, on whatever thread; listeners may send a
// batch from inside the call. A false alarm is harmless, so nobody need be exact. Thread-safe.
class SlotSignal {
 public:
  using Listener = std::function<void()>;

  // Listens as long as the pointer's other owners live.
  void Add(std::weak_ptr<const Listener> listener) {
    std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
  }

  void Notify() {
    std::vector<std::shared_ptr<const Listener>> alive;
    {
      std::lock_guard lock(mutex_);
      std::erase_if(listeners_, [&](const auto& listener) {
        auto locked = listener.lock();
        if (locked == nullptr) return true;
        alive.push_back(std::move(locked));
        return false;
      });
    }
    for (const auto& listener : alive) (*listener)();
  }

 private:
  std::mutex mutex_;  // guards listeners_
  std::vector<std::weak_ptr<const Listener>> listeners_{};
};

}  // namespace wirespan::gateway
