// Where the kernel does not take the program that tells what processes hold, all others load and
// attach, and /proc is asked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "agent/kernel/bpf_object.h"

namespace wirespan::kernel {
namespace {

bool HasCensus(const BpfObject& object) {
  const auto programs = object.programs();
  return std::any_of(programs.begin(), programs.end(),
                     [](const auto& program) { return program.name == "open_files"; });
}

TEST(CensusTest, IsLeftOutWithoutHarm) {
  if (geteuid() != 0) GTEST_SKIP() << "capturing needs root";
  BpfObject::Sizes sizes{};
  sizes.cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF));
  sizes.ring_size = 64 << 10;
  sizes.head_max = sizes.http2_head_max = 4096;
  sizes.max_sockets = sizes.max_processes = 1024;
  sizes.may_take_census = false;
  auto object = BpfObject::Load(*FindBackend("syscall"), sizes);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_FALSE(HasCensus(**object));
  EXPECT_TRUE((*object)->Attach());
  int told = 0;
  EXPECT_FALSE((*object)->ForEachHeldFile([&](const process::HeldFile&) { ++told; }));
  EXPECT_EQ(told, 0);

  object->reset();
  sizes.may_take_census = true;
  object = BpfObject::Load(*FindBackend("syscall"), sizes);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_TRUE(HasCensus(**object));
  EXPECT_TRUE((*object)->ForEachHeldFile([&](const process::HeldFile&) { ++told; }));
}

}  // namespace
}  // namespace wirespan::kernel
