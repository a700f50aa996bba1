// Rings as programs leave them, made by hand: the order in which their records are handed over.
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <vector>

#include "agent/kernel/ring_reader.h"
#include "bpf/abi/event.h"
#include "bpf/abi/ring.h"
#include "common/base/unique_fd.h"

namespace wirespan::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kRingSize = 16384;

std::uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Notes whose end was told.
class Pids : public connection::EventHandler {
 public:
  void OnEvent(const connection::Event& event) override {
    if (const auto* exit = std::get_if<connection::ExitEvent>(&event)) pids.push_back(exit->pid);
  }
  std::vector<std::uint32_t> pids{};
};

class RingOrderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    side_ = UniqueFd(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "side", 0, 0, 4096, nullptr));
    if (!side_.valid()) GTEST_SKIP() << "making a BPF map needs root";
    const std::size_t bytes = 2 * (WS_RING_DATA + kRingSize + WS_RING_SLACK);
    rings_ = UniqueFd(memfd_create("rings", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(rings_.get(), bytes), 0);
    memory_ = static_cast<char*>(
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rings_.get(), 0));
    ASSERT_NE(memory_, MAP_FAILED);
    auto reader = RingReader::Create(rings_.get(), side_.get(), 2, kRingSize);
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
    reader_->Drain(seen_);
  }
  void TearDown() override {
    if (memory_ != nullptr) munmap(memory_, 2 * (WS_RING_DATA + kRingSize + WS_RING_SLACK));
  }

  ws_ring_control& Ring(std::uint32_t cpu) {
    return *reinterpret_cast<ws_ring_control*>(memory_ +
                                               cpu * (WS_RING_DATA + kRingSize + WS_RING_SLACK));
  }
  void Begin(std::uint32_t cpu) { __atomic_fetch_add(&Ring(cpu).busy, 1, __ATOMIC_RELEASE); }
  void End(std::uint32_t cpu) { Begin(cpu); }
  // A finished record, of the time at which it is written.
  void Write(std::uint32_t cpu, std::uint32_t pid) {
    ws_ring_control& ring = Ring(cpu);
    ws_event_header header{.ts_ns = NowNs(),
                           .conn = 0,
                           .size = sizeof(header),
                           .kind = WS_EVENT_EXIT,
                           .direction = 0,
                           .flags = 0,
                           .tgid = pid,
                           .tid = pid};
    std::memcpy(reinterpret_cast<char*>(&ring) + WS_RING_DATA + (ring.head & (kRingSize - 1)),
                &header, sizeof(header));
    __atomic_store_n(&ring.head, ring.head + sizeof(header), __ATOMIC_RELEASE);
  }

  UniqueFd side_{}, rings_{};
  char* memory_ = nullptr;
  std::unique_ptr<RingReader> reader_{};
  Pids seen_{};
};

TEST_F(RingOrderTest, IsThatOfTimeOverAllRings) {
  Write(1, 1);
  Write(0, 2);
  Write(1, 3);
  reader_->Drain(seen_);
  EXPECT_THAT(seen_.pids, ElementsAre(1, 2, 3));
  EXPECT_FALSE(reader_->held_back());
}

TEST_F(RingOrderTest, WhatIsYoungerThanAWriterInTheMiddleWaitsForIt) {
  Write(0, 1);
  Begin(1);
  Write(0, 3);  // while the writer of the other ring has lost its CPU
  reader_->Drain(seen_);
  EXPECT_TRUE(reader_->held_back());
  EXPECT_THAT(seen_.pids, IsEmpty());
  Write(1, 4);
  End(1);
  reader_->Drain(seen_);
  EXPECT_FALSE(reader_->held_back());
  EXPECT_THAT(seen_.pids, ElementsAre(1, 3, 4));
}

TEST_F(RingOrderTest, WhatABusyWriterFinishedBeforeComesInItsTurn) {
  Write(1, 1);
  Begin(1);
  Write(0, 2);
  while (seen_.pids.empty()) reader_->Drain(seen_);  // until patience ends
  EXPECT_THAT(seen_.pids, ElementsAre(1, 2));
}

TEST_F(RingOrderTest, AWriterThatNeverEndsHoldsNothingBackForGood) {
  Begin(1);
  Write(0, 1);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (seen_.pids.empty() && std::chrono::steady_clock::now() < deadline) reader_->Drain(seen_);
  EXPECT_THAT(seen_.pids, ElementsAre(1));
}

TEST_F(RingOrderTest, NobodyIsWaitedForWhileARingFillsUp) {
  Begin(1);
  constexpr std::uint32_t kMany = kRingSize / 2 / sizeof(ws_event_header) + 1;
  for (std::uint32_t pid = 1; pid <= kMany; ++pid) Write(0, pid);
  reader_->Drain(seen_);
  EXPECT_EQ(seen_.pids.size(), kMany);
}

}  // namespace
}  // namespace wirespan::kernel
