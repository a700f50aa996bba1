// The control groups of a process that ends at once, as its exec tells them.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "agent/kernel/live_source.h"
#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

namespace fs = std::filesystem;

// A mounted hierarchy whose groups are told: "memory", "pids", or "" for version 2.
struct Hierarchy {
  std::string controllers{};
  fs::path mounted{};
};

std::vector<Hierarchy> Hierarchies() {
  std::vector<Hierarchy> found;
  std::ifstream mounts("/proc/self/mounts");
  std::string device, point, type, options, rest;
  while (mounts >> device >> point >> type >> options && std::getline(mounts, rest)) {
    if (type == "cgroup2") found.push_back({.mounted = point});
    if (type != "cgroup") continue;
    for (const std::string name : {"memory", "pids"}) {
      if ((',' + options + ',').find(',' + name + ',') != std::string::npos)
        found.push_back({.controllers = name, .mounted = point});
    }
  }
  return found;
}

// The paths that were told, by controllers.
std::map<std::string, std::string> PathsOf(std::string_view groups) {
  std::map<std::string, std::string> paths;
  std::istringstream lines{std::string(groups)};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) {
      ADD_FAILURE() << "no line of a group: " << line;
      continue;
    }
    EXPECT_TRUE(
        paths.emplace(line.substr(first + 1, second - first - 1), line.substr(second + 1)).second)
        << groups;
  }
  return paths;
}

class GroupsTest : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    RETURN_IF_SKIPPED();
    top_ = "wirespan-test-" + std::to_string(getpid());
    hierarchies_ = Hierarchies();
    ASSERT_FALSE(hierarchies_.empty()) << "no hierarchy of control groups is mounted here";
  }
  void TearDown() override {
    for (const auto& folder : made_) fs::remove(folder);
    BackendTest::TearDown();
  }

  // The group with this path in all hierarchies.
  void Make(const std::string& path) {
    for (const auto& hierarchy : hierarchies_) {
      fs::path folder = hierarchy.mounted;
      for (const auto& part : fs::path(path)) {
        folder /= part;
        if (fs::create_directory(folder)) made_.insert(made_.begin(), folder);
      }
    }
  }
  // This process from now on.
  void Enter(const std::string& path) const {
    for (const auto& hierarchy : hierarchies_)
      std::ofstream(hierarchy.mounted / path / "cgroup.procs") << getpid() << std::flush;
  }
  // What the exec of a program that ends at once tells, there: the paths by controllers, of the
  // mounted hierarchies. (Version 2's is told even if it is mounted nowhere.)
  std::map<std::string, std::string> PathsIn(const std::string& path) {
    auto paths = PathsOf(TellsOf(path));
    std::erase_if(paths, [&](const auto& told) {
      return std::none_of(hierarchies_.begin(), hierarchies_.end(),
                          [&](const Hierarchy& one) { return one.controllers == told.first; });
    });
    return paths;
  }
  std::string TellsOf(const std::string& path) {
    auto child = Child::Exec([&] { Enter(path); }, {"true"});
    const auto pid = static_cast<std::uint32_t>(child.pid());
    EXPECT_EQ(child.Wait(), 0);
    std::string groups;
    EXPECT_TRUE(capture().WaitFor([&] {
      for (const auto& event : capture().events()) {
        const auto* exec = std::get_if<connection::ExecEvent>(&event);
        if (exec == nullptr || exec->pid != pid) continue;
        EXPECT_TRUE(exec->filename.ends_with("/true")) << exec->filename;
        EXPECT_EQ(exec->arguments, std::string_view("true", 5));
        groups = exec->groups;
        return true;
      }
      return false;
    }));
    return groups;
  }

  std::string top_{};
  std::vector<Hierarchy> hierarchies_{};
  std::vector<fs::path> made_{};
};

TEST_P(GroupsTest, AreToldOfAProcessThatEndsAtOnce) {
  RETURN_IF_SKIPPED();
  const std::string path =
      top_ + "/kubepods/burstable/pod0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f/" + std::string(64, 'a');
  Make(path);
  const auto paths = PathsIn(path);
  for (const auto& hierarchy : hierarchies_) {
    ASSERT_TRUE(paths.contains(hierarchy.controllers)) << hierarchy.mounted;
    EXPECT_EQ(paths.at(hierarchy.controllers), '/' + path);
  }
}

TEST_P(GroupsTest, TheRootOfAHierarchyHasANameToo) {
  RETURN_IF_SKIPPED();
  const auto paths = PathsIn("");
  for (const auto& hierarchy : hierarchies_) EXPECT_EQ(paths.at(hierarchy.controllers), "/");
}

TEST_P(GroupsTest, OneThatDoesNotFitIsLeftOutAndTheRestStays) {
  RETURN_IF_SKIPPED();
  // Just deep enough, and one deeper; one long name, two that leave no room for another line, and
  // more than are told at all.
  std::string deep = top_;
  for (int i = 1; i < 16; ++i) deep += "/d";
  Make(deep + "/d");
  EXPECT_EQ(PathsIn(deep).size(), hierarchies_.size());
  EXPECT_TRUE(PathsIn(deep + "/d").empty());
  const std::string name = '/' + std::string(255, 'n');
  const std::string one = top_ + name, two = one + name, four = two + name + name;
  Make(four);
  EXPECT_FALSE(PathsIn(one).empty());
  for (const auto& [controllers, path] : PathsIn(one)) EXPECT_EQ(path, '/' + one);
  const auto paths = PathsIn(two);
  EXPECT_EQ(paths.size(), 1u);
  for (const auto& [controllers, path] : paths) EXPECT_EQ(path, '/' + two);
  EXPECT_TRUE(PathsIn(four).empty());
}

TEST_P(GroupsTest, TheSourceKnowsWhereItsOwnNamespaceBegins) {
  RETURN_IF_SKIPPED();
  // One source at a time: emulated machines of two CPUs do not survive it when the calls of a
  // tracepoint that is in use are patched.
  StartLater(backend());
  const std::string path = top_ + "/pod/agent";
  Make(path);
  Child agent([&] {
    Enter(path);
    if (unshare(CLONE_NEWCGROUP) != 0) return 2;
    Enter(top_);
    auto source = kernel::LiveSource::Create({.backend = backend()});
    if (!source) return 3;
    const auto paths = PathsOf((*source)->own_groups());
    for (const auto& hierarchy : hierarchies_) {
      const auto told = paths.find(hierarchy.controllers);
      if (told == paths.end()) return 4;
      if (told->second != '/' + path) return 5;
    }
    source->reset();
    return 0;
  });
  EXPECT_EQ(agent.Wait(), 0);
}

WIRESPAN_EACH_BACKEND(GroupsTest);

}  // namespace
}  // namespace wirespan::kernel_test
