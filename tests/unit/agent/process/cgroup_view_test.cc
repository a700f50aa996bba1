#include "agent/process/cgroup_view.h"

#include <gtest/gtest.h>

namespace wirespan::process {
namespace {

TEST(CgroupViewTest, PathsAreRelativeAsTheKernelWritesThem) {
  struct Row {
    std::string root, path, seen;
  };
  for (const auto& [root, path, seen] : std::vector<Row>{
           {"/", "/", "/"},
           {"/", "/a/b", "/a/b"},
           {"/a/b", "/a/b", "/"},
           {"/a/b", "/a/b/c/d", "/c/d"},
           {"/a/b", "/a", "/.."},
           {"/a/b", "/", "/../.."},
           {"/a/b", "/a/c", "/../c"},
           {"/a/b", "/ab", "/../../ab"},
           {"/a/b", "/a/bc", "/../bc"},
           {"/kubepods/podX/A", "/kubepods/podY/C", "/../../podY/C"},
           {"", "", "/"},
           {"//a//", "a/b", "/b"},
       }) {
    EXPECT_EQ(RelativeGroup(root, path), seen) << root << ' ' << path;
  }
}

const std::string kId(64, 'c');

TEST(CgroupViewTest, EachHierarchyHasARootOfItsOwn) {
  const CgroupView view("1:memory:/pods/agent\n0::/system.slice/agent.service\n");
  EXPECT_EQ(view.Place("1:memory:/pods/" + kId + "\n0::/\n").path, "/../" + kId);
  EXPECT_EQ(view.Place("1:memory:/\n0::/system.slice/x.service\n").path, "/../x.service");
  EXPECT_EQ(CgroupView().Place("0::/a/b\n").path, "/a/b");
}

TEST(CgroupViewTest, WithoutARootThePathIsNotKnownButTheContainerIs) {
  const std::string told = "1:memory:/pods/" + kId + "\n";
  for (const char* root : {"", "0::/\n", "rubbish", "1:memory\n"}) {
    const Placement placement = CgroupView(root).Place(told);
    EXPECT_EQ(placement.path, "") << root;
    EXPECT_EQ(placement.container_id, kId) << root;
  }
}

TEST(CgroupViewTest, LinesThatAreNoneAreLeftOut) {
  const CgroupView view("0::/\n");
  EXPECT_EQ(view.Place("").path, "");
  EXPECT_EQ(view.Place("x\n:\n0::/a").path, "/a");
}

}  // namespace
}  // namespace wirespan::process
