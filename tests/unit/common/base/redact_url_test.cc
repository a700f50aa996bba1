#include "common/base/redact_url.h"

#include <gtest/gtest.h>

namespace wirespan {
namespace {

TEST(RedactUrlTest, ShowsNoUserAndNoPassword) {
  EXPECT_EQ(RedactUrl("https://ann:secret@host:1/p?q=a@b"), "https://[REDACTED]@host:1/p?q=a@b");
  EXPECT_EQ(RedactUrl("http://token@host"), "http://[REDACTED]@host");
  EXPECT_EQ(RedactUrl("http://a:p@ss@host#x@y"), "http://[REDACTED]@host#x@y");
}

TEST(RedactUrlTest, LeavesEverythingElse) {
  for (const char* text : {"", "host:1", "ann@host", "http://host/a@b", "http://", "://"}) {
    EXPECT_EQ(RedactUrl(text), text);
  }
}

}  // namespace
}  // namespace wirespan
