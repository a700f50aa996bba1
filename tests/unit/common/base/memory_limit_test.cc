#include "common/base/memory_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

namespace wirespan {
namespace {

class MemoryLimitTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "memory-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    Write("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }

  std::string root_;
};

constexpr std::uint64_t kMib = 1 << 20;

TEST_F(MemoryLimitTest, IsTheMachinesWithoutACgroup) {
  EXPECT_EQ(AvailableMemoryBytes(root_), 16 * kMib);
}

TEST_F(MemoryLimitTest, IsTheLeastOfTheCgroupsAbove) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/memory.max", "8388608\n");
  Write("/sys/fs/cgroup/a/memory.max", "4194304\n");
  Write("/sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 4 * kMib);
}

TEST_F(MemoryLimitTest, ReadsVersionOneToo) {
  Write("/proc/self/cgroup", "5:cpu:/x\n3:cpuset,memory:/docker/abc\n0::/\n");
  Write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "2097152\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 2 * kMib);
}

TEST_F(MemoryLimitTest, TakesTheMountsLimitIfThePathIsTheHosts) {
  Write("/proc/self/cgroup", "3:memory:/kubepods/pod1/c1\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "3145728\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 3 * kMib);
}

TEST_F(MemoryLimitTest, NeverExceedsTheMachine) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "1099511627776\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 16 * kMib);
}

TEST(ResidentBytesTest, SeesWhatIsTouched) {
  const std::uint64_t before = PrivateResidentBytes();
  ASSERT_GT(before, 0u);
  EXPECT_GE(ResidentBytes(), before);
  std::vector<char> touched(64 * kMib, 1);
  EXPECT_GT(PrivateResidentBytes(), before + 32 * kMib);
  EXPECT_EQ(touched.back(), 1);
}

}  // namespace
}  // namespace wirespan
