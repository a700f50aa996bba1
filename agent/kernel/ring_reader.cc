#include "agent/kernel/ring_reader.h"

#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>

#include "agent/kernel/decode.h"
#include "bpf/abi/event.h"
#include "bpf/abi/ring.h"

namespace wirespan::kernel {
namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
constexpr int kBusySpins =
    20000;  // some tens of microseconds: a writer is done in less than two, unless preempted
// A preempted one comes back within a slice or two of the scheduler.
constexpr std::uint64_t kPatienceNs = 100'000'000;
constexpr std::size_t kMaxSide = 8192;  // more stay in the side ring, and are counted there

std::uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

ws_ring_control* Control(char* base) { return reinterpret_cast<ws_ring_control*>(base); }

std::uint64_t Load(const __u64& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }

}  // namespace

RingReader::RingReader(std::uint64_t ring_size) : ring_size_(ring_size) {}

Result<std::unique_ptr<RingReader>> RingReader::Create(int rings_fd, int side_ring_fd,
                                                       std::uint32_t cpus,
                                                       std::uint64_t ring_size) {
  std::unique_ptr<RingReader> reader(new RingReader(ring_size));
  const std::uint64_t stride = WS_RING_DATA + ring_size + WS_RING_SLACK;
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = (stride * cpus + page - 1) / page * page;
  void* mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, rings_fd, 0);
  if (mapping == MAP_FAILED) return FailErrno("map the rings", errno);
  reader->mapping_ = static_cast<char*>(mapping);
  reader->mapping_size_ = size;
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    Ring ring{};
    ring.base = reader->mapping_ + stride * cpu;
    reader->rings_.push_back(ring);
  }
  reader->side_ = ring_buffer__new(side_ring_fd, &RingReader::OnSideRecord, reader.get(), nullptr);
  if (!reader->side_) return FailErrno("open the side ring", errno);
  return reader;
}

Result<std::unique_ptr<RingReader>> RingReader::Continue(int rings_fd, int side_ring_fd,
                                                         std::uint32_t cpus,
                                                         std::uint64_t ring_size) {
  auto reader = Create(rings_fd, side_ring_fd, cpus, ring_size);
  if (!reader) return reader;
  for (Ring& ring : (*reader)->rings_) {
    ring.position = Load(Control(ring.base)->tail);
    ring.released = ring.position;
  }
  return reader;
}

RingReader::~RingReader() {
  if (side_) ring_buffer__free(side_);
  if (mapping_) munmap(mapping_, mapping_size_);
}

void RingReader::Wait(std::chrono::milliseconds timeout) {
  epoll_event event{};
  epoll_wait(ring_buffer__epoll_fd(side_), &event, 1, static_cast<int>(timeout.count()));
}

int RingReader::OnSideRecord(void* self, void* data, std::size_t size) {
  auto& reader = *static_cast<RingReader*>(self);
  ws_event_header header{};
  if (size < sizeof(header)) {
    ++reader.damaged_;
    return 0;
  }
  std::memcpy(&header, data, sizeof(header));
  if (header.kind == WS_EVENT_DOORBELL) return 0;
  reader.side_records_.emplace_back(header.ts_ns,
                                    std::string(static_cast<const char*>(data), size));
  return 0;
}

void RingReader::DrainSide() {
  if (side_records_.size() >= kMaxSide) return;
  ring_buffer__consume(side_);
  std::stable_sort(side_records_.begin(), side_records_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
}

// Takes the ring's head as the limit of this drain: what lies before it is finished, also while a
// writer is in the middle of more.
void RingReader::Snapshot(Ring& ring, std::uint64_t now) {
  const ws_ring_control* control = Control(ring.base);
  ring.next_ts = kNone;
  for (int spin = 0; spin < kBusySpins; ++spin) {
    if (Load(control->busy) & 1) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      continue;
    }
    ring.known_to = now;
    ring.busy_since = 0;
    ring.limit = Load(control->head);
    return;
  }
  if (ring.busy_since == 0) ring.busy_since = now;
  ring.limit = Load(control->head);
}

// Up to which time events are handed over: what all rings are known to. But nobody is waited for
// without end, nor while a ring fills up.
std::uint64_t RingReader::Horizon(std::uint64_t now) {
  std::uint64_t known = now;
  bool room = true;
  for (const Ring& ring : rings_) {
    room = room && ring.limit - ring.position <= ring_size_ / 2;
    if (ring.busy_since != 0 && now - ring.busy_since <= kPatienceNs)
      known = std::min(known, ring.known_to);
  }
  held_back_ = room && known < now;
  return held_back_ ? known : now;
}

// Finds the time of the record at `position`, if it belongs to this drain.
void RingReader::Advance(Ring& ring, std::uint64_t horizon) {
  ring.next_ts = kNone;
  const std::uint64_t left = ring.limit - ring.position;
  if (left == 0) return;
  ws_event_header header{};
  std::memcpy(&header, ring.base + WS_RING_DATA + (ring.position & (ring_size_ - 1)),
              sizeof(header));
  if (left > ring_size_ || header.size < sizeof(header) || header.size > left ||
      header.size > WS_RING_SLACK) {
    // Cannot happen unless somebody wrote into our memory: give up what is there.
    ++damaged_;
    ring.position = ring.limit;
    Release(ring);
    return;
  }
  if (header.ts_ns <= horizon) ring.next_ts = header.ts_ns;
}

void RingReader::Release(Ring& ring) {
  ring.released = ring.position;
  __atomic_store_n(&Control(ring.base)->tail, ring.position, __ATOMIC_RELEASE);
}

std::uint64_t RingReader::Drain(connection::EventHandler& handler) {
  const std::uint64_t now = MonotonicNs();
  used_ = 0;
  for (Ring& ring : rings_) {
    Snapshot(ring, now);
    used_ += ring.limit - ring.position;
  }
  used_max_ = std::max(used_max_, used_);
  const std::uint64_t horizon = Horizon(now);
  for (Ring& ring : rings_) Advance(ring, horizon);
  DrainSide();

  std::uint64_t count = 0;
  std::size_t side = 0;
  const auto side_end = static_cast<std::size_t>(
      std::upper_bound(side_records_.begin(), side_records_.end(), horizon,
                       [](std::uint64_t time, const auto& record) { return time < record.first; }) -
      side_records_.begin());
  connection::Event event{};
  for (;;) {
    Ring* first = nullptr;
    std::uint64_t first_ts = kNone;
    std::uint64_t second_ts = side < side_end ? side_records_[side].first : kNone;
    for (Ring& ring : rings_) {
      if (ring.next_ts < first_ts) {
        second_ts = std::min(second_ts, first_ts);
        first = &ring;
        first_ts = ring.next_ts;
      } else {
        second_ts = std::min(second_ts, ring.next_ts);
      }
    }
    if (first == nullptr || (side < side_end && side_records_[side].first < first_ts)) {
      if (side >= side_end) break;
      if (DecodeRecord(side_records_[side].second, event)) {
        handler.OnEvent(event);
        ++count;
      } else {
        ++damaged_;
      }
      delivered_bytes_ += (side_records_[side].second.size() + 7u) & ~std::size_t{7};
      ++side;
      continue;
    }
    // One ring's records in a row, as long as nobody else's is older.
    Ring& ring = *first;
    while (ring.next_ts != kNone && ring.next_ts <= second_ts) {
      const char* record = ring.base + WS_RING_DATA + (ring.position & (ring_size_ - 1));
      ws_event_header header{};
      std::memcpy(&header, record, sizeof(header));
      if (DecodeRecord(std::string_view(record, header.size), event)) {
        handler.OnEvent(event);
        ++count;
      } else {
        ++damaged_;
      }
      const std::uint32_t step = (header.size + 7u) & ~7u;
      ring.position += step;
      delivered_bytes_ += step;
      if (ring.position - ring.released > ring_size_ / 16) Release(ring);
      Advance(ring, horizon);
    }
  }
  side_records_.erase(side_records_.begin(),
                      side_records_.begin() + static_cast<std::ptrdiff_t>(side_end));
  for (Ring& ring : rings_) {
    if (ring.position != ring.released) Release(ring);
  }
  delivered_ += count;
  return count;
}

std::uint64_t RingReader::waiting_bytes() const {
  std::uint64_t bytes = 0;
  for (const Ring& ring : rings_) bytes += Load(Control(ring.base)->head) - ring.position;
  return bytes;
}

std::uint64_t RingReader::TakeMaxUsed() { return std::exchange(used_max_, 0); }

}  // namespace wirespan::kernel
