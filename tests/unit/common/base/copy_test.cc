#include "common/base/copy.h"

#include <gtest/gtest.h>

#include <string>

namespace wirespan {
namespace {

TEST(CopyTextTest, CopiesEveryLengthAndNothingMore) {
  std::string source;
  for (int i = 0; i < 300; ++i) source += static_cast<char>('a' + i % 26);
  for (std::size_t size = 0; size <= source.size(); ++size) {
    SCOPED_TRACE(size);
    std::string out(size + 8, '#');
    const std::string exact = source.substr(0, size);  // ASan watches its end
    EXPECT_EQ(CopyText(out.data() + 4, exact), out.data() + 4 + size);
    EXPECT_EQ(out, "####" + exact + "####");
  }
}

}  // namespace
}  // namespace wirespan
