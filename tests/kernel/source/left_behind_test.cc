// What a stopping agent leaves: its programs go on for the one that comes next, and end by
// themselves if none does.
#include "agent/kernel/left_behind.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "agent/kernel/live_source.h"

namespace wirespan::kernel {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string Request(int n) { return "GET /" + std::to_string(n) + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

struct Heads : connection::EventHandler {
  void OnEvent(const connection::Event& event) override {
    const auto* data = std::get_if<connection::DataEvent>(&event);
    if (data != nullptr && data->pid == pid && data->direction == connection::Direction::kWrite)
      seen.push_back({data->offset, std::string(data->captured)});
  }
  std::uint32_t pid = 0;
  std::vector<std::pair<std::uint64_t, std::string>> seen{};
};

// A process that writes the next request into its socket for each byte it gets.
class Writer {
 public:
  Writer() {
    EXPECT_EQ(pipe(go_), 0);
    EXPECT_EQ(pipe(done_), 0);
    pid_ = fork();
    if (pid_ != 0) return;
    close(go_[1]);
    // Its own: what this process had made would pass for a way to the agent, which this process is.
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair_) != 0) _exit(1);
    char c = 0;
    for (int n = 0; read(go_[0], &c, 1) == 1; ++n) {
      const std::string request = Request(n);
      (void)!write(pair_[0], request.data(), request.size());
      (void)!write(done_[1], &c, 1);
    }
    _exit(0);
  }
  ~Writer() {
    for (const int fd : {go_[0], go_[1], done_[0], done_[1]}) close(fd);
    int status = 0;
    waitpid(pid_, &status, 0);
  }
  void Write() {
    char c = 'x';
    EXPECT_EQ(write(go_[1], &c, 1), 1);
    EXPECT_EQ(read(done_[0], &c, 1), 1);
  }
  std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

 private:
  int go_[2], done_[2], pair_[2];
  pid_t pid_ = -1;
};

class LeftBehindTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = "/sys/fs/bpf/wirespan-test-" + std::to_string(getpid());
    auto source = LiveSource::Create({});
    ASSERT_TRUE(source) << source.error().message;
    source_ = std::move(*source);
    heads_.pid = writer_.pid();
  }
  void TearDown() override { LeftBehind::Remove(directory_); }
  bool PinsAreThere() const { return access(directory_.c_str(), F_OK) == 0; }

  std::string directory_;
  Writer writer_;
  Heads heads_;
  std::unique_ptr<LiveSource> source_;
};

TEST_F(LeftBehindTest, NothingIsMissedBetweenTwoAgents) {
  writer_.Write();
  while (heads_.seen.empty()) ASSERT_TRUE(source_->Poll(heads_, milliseconds(100)));
  ASSERT_EQ(heads_.seen.size(), 1u);
  const auto left = source_->LeaveBehind(directory_, "what I knew", seconds(30));
  if (!left && left.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << left.error().message;
  ASSERT_TRUE(left) << left.error().message;
  source_.reset();

  writer_.Write();  // nobody is there

  auto found = LeftBehind::Open(directory_, static_cast<std::uint32_t>(getpid()));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->state(), "what I knew");
  auto next = LiveSource::Create({});
  ASSERT_TRUE(next) << next.error().message;
  writer_.Write();  // both see it
  found->Drain(heads_);
  ASSERT_EQ(heads_.seen.size(), 3u);
  found->Release();
  EXPECT_FALSE(PinsAreThere());
  // The kernel lets go of the old programs a little later; until then both see what is written.
  std::size_t before = 0;
  do {
    before = heads_.seen.size();
    ASSERT_LT(before, 1000u);
    writer_.Write();
    std::this_thread::sleep_for(milliseconds(10));
    found->Drain(heads_);
  } while (heads_.seen.size() > before);
  std::uint64_t offset = 0;
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(heads_.seen[static_cast<std::size_t>(n)], std::pair(offset, Request(n)));
    offset += Request(n).size();
  }
  Heads fresh;
  fresh.pid = writer_.pid();
  while (fresh.seen.size() < 2) ASSERT_TRUE((*next)->Poll(fresh, milliseconds(100)));
  EXPECT_EQ(fresh.seen[0].second, Request(2));
  EXPECT_EQ(fresh.seen[1].second, Request(3));
}

TEST_F(LeftBehindTest, ProgramsEndAndPinsGoWhenNobodyComes) {
  writer_.Write();
  while (heads_.seen.empty()) ASSERT_TRUE(source_->Poll(heads_, milliseconds(100)));
  const auto left = source_->LeaveBehind(directory_, "", seconds(3));
  if (!left && left.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << left.error().message;
  ASSERT_TRUE(left) << left.error().message;
  source_.reset();
  EXPECT_TRUE(PinsAreThere());
  // Until the process that was left for it has come.
  for (int i = 0; i < 600 && PinsAreThere(); ++i) std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(PinsAreThere());
  EXPECT_EQ(LeftBehind::Open(directory_, 1), nullptr);
}

TEST_F(LeftBehindTest, WhatIsTooOldIsNotUsed) {
  const auto left = source_->LeaveBehind(directory_, "x", seconds(0));
  if (!left && left.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << left.error().message;
  ASSERT_TRUE(left) << left.error().message;
  source_.reset();
  EXPECT_EQ(LeftBehind::Open(directory_, 1), nullptr);
  EXPECT_FALSE(PinsAreThere());
}

TEST_F(LeftBehindTest, AFolderElsewhereIsRefused) {
  const std::string elsewhere = testing::TempDir() + "wirespan-left-" + std::to_string(getpid());
  const auto left = source_->LeaveBehind(elsewhere, "x", seconds(1));
  ASSERT_FALSE(left);
  EXPECT_NE(access(elsewhere.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace wirespan::kernel
