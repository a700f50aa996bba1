// The program that tells what processes hold: all others load and attach without it, and it says
// when it was not everything.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "agent/kernel/bpf_object.h"

namespace wirespan::kernel {
namespace {

bool HasCensus(const BpfObject& object) {
  const auto programs = object.programs();
  return std::any_of(programs.begin(), programs.end(),
                     [](const auto& program) { return program.name == "open_files"; });
}

Result<std::unique_ptr<BpfObject>> Load(bool may_take_census) {
  BpfObject::Sizes sizes{};
  sizes.cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF));
  sizes.ring_size = 64 << 10;
  sizes.head_max = sizes.http2_head_max = 4096;
  sizes.max_sockets = sizes.max_processes = 1024;
  sizes.may_take_census = may_take_census;
  return BpfObject::Load(*FindBackend("syscall"), sizes);
}

bool TellsAll(BpfObject& object) {
  return object.ForEachHeldFile([](const process::HeldFile&) {});
}

TEST(CensusTest, IsLeftOutWithoutHarm) {
  if (geteuid() != 0) GTEST_SKIP() << "capturing needs root";
  auto object = Load(false);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_FALSE(HasCensus(**object));
  EXPECT_TRUE((*object)->Attach());
  EXPECT_FALSE(TellsAll(**object));
}

// A reader in a pid namespace of its own is shown its neighbours there, and must not take them for
// all.
TEST(CensusTest, IsForThoseWhoSeeAllProcesses) {
  if (geteuid() != 0) GTEST_SKIP() << "capturing needs root";
  auto object = Load(true);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_TRUE(HasCensus(**object));
  EXPECT_TRUE(TellsAll(**object));
  const pid_t outside = fork();
  ASSERT_GE(outside, 0);
  if (outside == 0) {
    if (unshare(CLONE_NEWPID) != 0) _exit(2);
    const pid_t inside = fork();
    if (inside == 0) _exit(TellsAll(**object) ? 1 : 0);
    int status = 0;
    _exit(inside < 0 || waitpid(inside, &status, 0) < 0 ? 3 : WEXITSTATUS(status));
  }
  int status = 0;
  ASSERT_EQ(waitpid(outside, &status, 0), outside);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no pid namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace wirespan::kernel
