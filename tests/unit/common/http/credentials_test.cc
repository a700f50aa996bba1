#include "common/http/credentials.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/strings.h"

namespace wirespan::http {
namespace {

TEST(CredentialsTest, KnowsEveryKindThatHtpasswdWrites) {
  // Made by Python's crypt, openssl passwd and by hand (SHA); the password of all is "wire span".
  const char* stored[] = {
      "$2y$05$abcdefghijklmnopqrstuuD6JHgvjPKlK8ntusSZy7qycUvfr.MlW",
      "$apr1$abcdefgh$TJh2Kub0lJP6/PLlv0G9A1",
      "$1$abcdefgh$pAISXy7TtsM.x5bBvslck1",
      "$5$abcdefgh$KECcE5PpKguvtJZpmSQ/3nYBMLYlb7U91bRZg8Vt5R5",
      "$6$abcdefgh$D4Mm9b47zaIuxxWfKrShFde21ToKY3/"
      "jJ.SmErhhHE1wAhGGmfymr3EMxs75EaJQOgIZuhWnvMErclr6cC8lo0",
      "{SHA}UtCFBUX+Dd96VITCJ//qwrg1l58=",
      "{SSHA}HImuYOV3aBIfoTZPcGkK2vJodJtzYWx0",
      "wire span",
  };
  for (const char* one : stored) {
    SCOPED_TRACE(one);
    EXPECT_TRUE(PasswordMatches(one, "wire span"));
    EXPECT_FALSE(PasswordMatches(one, "wire spam"));
    EXPECT_FALSE(PasswordMatches(one, ""));
  }
}

TEST(CredentialsTest, DamagedHashesMatchNothing) {
  for (const char* one : {"$2y$05$short", "$apr1$", "$apr1$toolongsalt$x", "{SHA}***", "{SSHA}AA",
                          "$5$", "$6$rounds=1", "*"}) {
    SCOPED_TRACE(one);
    EXPECT_FALSE(PasswordMatches(one, "x"));
    EXPECT_FALSE(PasswordMatches(one, ""));
  }
}

TEST(CredentialsTest, Base64ComesBack) {
  for (const std::string& text :
       std::vector<std::string>{"", "a", "ab", "abc", "user:pass", std::string("\0\xff", 2)}) {
    EXPECT_EQ(DecodeBase64(Base64(text)), text);
  }
  EXPECT_EQ(DecodeBase64("YQ"), "a");
  EXPECT_FALSE(DecodeBase64("Y"));
  EXPECT_FALSE(DecodeBase64("!!!!"));
  EXPECT_EQ(BasicCredentials("user", "pass"), "Basic dXNlcjpwYXNz");
}

TEST(CredentialsTest, PartsKeepTheirPlaces) {
  EXPECT_EQ(Sha256({"a", "b"}).size(), 32u);
  EXPECT_NE(Sha256({"ab", "c"}), Sha256({"a", "bc"}));
}

}  // namespace
}  // namespace wirespan::http
