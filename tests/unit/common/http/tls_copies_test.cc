#include "common/http/tls_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/unit/common/http/support.h"

namespace wirespan::http {
namespace {

using std::chrono::milliseconds;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::MakeCertificates;
using testing::TempFolder;

std::string Text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// As a certificate manager does: in one step.
void Put(const std::string& text, const std::string& path) {
  std::ofstream(path + ".new", std::ios::binary) << text;
  ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
}

class TlsCopiesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeCertificates(folder_));
    Put(Text(folder_ / "server.pem"), files_.certificate_file);
    Put(Text(folder_ / "server.key"), files_.key_file);
    Put(Text(folder_ / "ca.pem"), files_.ca_file);
  }
  // Of certificate and key.
  std::string Identity(const std::string& name) {
    return Text(folder_ / (name + ".pem")) + "\n" + Text(folder_ / (name + ".key")) + "\n";
  }

  TempFolder folder_;
  const TlsFiles files_{.certificate_file = folder_ / "used.pem",
                        .key_file = folder_ / "used.key",
                        .ca_file = folder_ / "used-ca.pem"};
};

TEST_F(TlsCopiesTest, FollowTheFilesWhenTheyCanBeUsedAndOnlyThen) {
  auto copies = TlsCopies::Start(files_, milliseconds(100));
  ASSERT_TRUE(copies) << copies.error().message;
  const std::string identity = (*copies)->identity_path();
  EXPECT_EQ(Text(identity), Identity("server"));
  EXPECT_THAT(Text((*copies)->ca_path()), HasSubstr(Text(folder_ / "ca.pem")));

  // Half of a change, and rubbish: what was there stays, for longer than it takes to look.
  Put(Text(folder_ / "client.key"), files_.key_file);
  Put("no certificate\n", files_.ca_file);
  for (int look = 0; look < 30; ++look) {
    ASSERT_EQ(Text(identity), Identity("server"));
    std::this_thread::sleep_for(milliseconds(10));
  }

  Put(Text(folder_ / "client.pem"), files_.certificate_file);
  Put(Text(folder_ / "server.pem") + Text(folder_ / "ca.pem"), files_.ca_file);
  EXPECT_TRUE(Eventually([&] { return Text(identity) == Identity("client"); }));
  EXPECT_EQ((*copies)->identity_path(), identity);
  EXPECT_THAT(Text((*copies)->ca_path()), HasSubstr(Text(folder_ / "server.pem")));
}

TEST_F(TlsCopiesTest, HaveNoIdentityWithoutCertificate) {
  auto copies = TlsCopies::Start({.ca_file = files_.ca_file}, milliseconds(100));
  ASSERT_TRUE(copies) << copies.error().message;
  EXPECT_EQ((*copies)->identity_path(), "");
  EXPECT_THAT(Text((*copies)->ca_path()), HasSubstr(Text(folder_ / "ca.pem")));
}

TEST_F(TlsCopiesTest, NameTheFileThatCantBeUsedAtTheStart) {
  Put(Text(folder_ / "client.key"), files_.key_file);
  const auto mismatch = TlsCopies::Start(files_, milliseconds(100));
  ASSERT_FALSE(mismatch);
  EXPECT_THAT(mismatch.error().message, HasSubstr("key file " + files_.key_file));
}

}  // namespace
}  // namespace wirespan::http
