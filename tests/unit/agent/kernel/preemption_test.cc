#include "agent/kernel/preemption.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace wirespan::kernel {
namespace {

class PreemptionTest : public testing::Test {
 protected:
  PreemptionTest() {
    root_ = testing::TempDir() + "preemption_test." + std::to_string(getpid()) + "." +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    Write("/proc/sys/kernel/osrelease", "6.12.1-amd64\n");
  }
  ~PreemptionTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file(root_ + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void Kernel(const std::string& built) {
    Write("/proc/version", "Linux version 6.12.1-amd64 (gcc) #1 SMP " + built + " Debian\n");
  }

  std::string root_{};
};

TEST_F(PreemptionTest, IsKnownFromHowTheKernelWasBuilt) {
  EXPECT_FALSE(KernelPreempts(root_));  // nothing can be read
  Kernel("");
  EXPECT_FALSE(KernelPreempts(root_));
  Kernel("PREEMPT");
  EXPECT_TRUE(KernelPreempts(root_));
  Kernel("PREEMPT_LAZY");
  EXPECT_TRUE(KernelPreempts(root_));
  Kernel("PREEMPT_RT");
  EXPECT_TRUE(KernelPreempts(root_));
}

TEST_F(PreemptionTest, OfADynamicKernelIsWhatItSaysThenWhatItWasToldThenItsConfiguration) {
  Kernel("PREEMPT_DYNAMIC");
  EXPECT_FALSE(KernelPreempts(root_));
  Write("/boot/config-6.12.1-amd64", "# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_LAZY=y\n");
  EXPECT_TRUE(KernelPreempts(root_));
  Write("/proc/cmdline", "root=/dev/sda1 preempt=voluntary quiet\n");
  EXPECT_FALSE(KernelPreempts(root_));
  Write("/sys/kernel/debug/sched/preempt", "none voluntary (full) lazy\n");
  EXPECT_TRUE(KernelPreempts(root_));
  Write("/sys/kernel/debug/sched/preempt", "(none) voluntary full\n");
  EXPECT_FALSE(KernelPreempts(root_));
}

TEST_F(PreemptionTest, RecentKernelsPreemptUnlessTheySayOtherwiseAndInTracepointsToo) {
  Kernel("PREEMPT_DYNAMIC");
  Write("/proc/cmdline", "preempt=full\n");
  EXPECT_TRUE(KernelPreempts(root_));
  EXPECT_FALSE(TracepointsPreempt(root_));
  Write("/proc/cmdline", "quiet\n");
  Write("/proc/sys/kernel/osrelease", "7.3.4+deb13-amd64\n");
  EXPECT_TRUE(KernelPreempts(root_));
  EXPECT_TRUE(TracepointsPreempt(root_));
  Write("/boot/config-7.3.4+deb13-amd64", "CONFIG_PREEMPT_VOLUNTARY=y\n");
  EXPECT_FALSE(TracepointsPreempt(root_));
}

TEST_F(PreemptionTest, WhatIsNotUnderstoodTellsNothing) {
  Kernel("PREEMPT_DYNAMIC");
  Write("/sys/kernel/debug/sched/preempt", "(\n");
  Write("/proc/cmdline", "preempt=often\n");
  Write("/boot/config-6.12.1-amd64", "CONFIG_PREEMPT=m\n");
  EXPECT_FALSE(KernelPreempts(root_));
}

}  // namespace
}  // namespace wirespan::kernel
