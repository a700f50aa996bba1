#include "gateway/app/kube_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "common/base/strings.h"

namespace wirespan::gateway {
namespace {

using ::testing::HasSubstr;

class KubeConfigTest : public ::testing::Test {
 protected:
  KubeConfigTest()
      : folder_(::testing::TempDir() + "kube_config_test." + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~KubeConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  Result<kube::Access> Read(const std::string& context = "") {
    return KubeConfigAccess(
        [&](const char* name) {
          const auto found = variables_.find(name);
          return found == variables_.end() ? nullptr : found->second.c_str();
        },
        context);
  }
  std::string Problem(const std::string& context = "") {
    const auto access = Read(context);
    return access ? "no error" : access.error().message;
  }

  const std::string folder_;
  std::map<std::string, std::string> variables_;
};

// Two contexts; `user` and `more_cluster` are written into the maps of the current one.
std::string Text(const std::string& user, const std::string& more_cluster = "") {
  return R"(
current-context: here
contexts:
- {name: here, context: {cluster: c, user: u}}
- {name: there, context: {cluster: d, user: u, namespace: x}}
clusters:
- {name: c, cluster: {server: "https://10.0.0.1:6443/")" +
         more_cluster + R"(}}
- {name: d, cluster: {server: "https://d.example", insecure-skip-tls-verify: true}}
users:
- {name: u, user: {)" +
         user + "}}\n";
}

TEST_F(KubeConfigTest, ReadsTheCurrentContextOfTheHomeFolder) {
  variables_["HOME"] = folder_;
  Write(".kube/config", Text("tokenFile: token, client-certificate: /c.pem, client-key: k/k.pem",
                             ", certificate-authority: ca.pem, tls-server-name: api"));
  const auto access = Read();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->server_name, "api");
  EXPECT_EQ(access->token_file, folder_ + "/.kube/token");
  EXPECT_EQ(access->ca_file, folder_ + "/.kube/ca.pem");
  EXPECT_EQ(access->certificate_file, "/c.pem");
  EXPECT_EQ(access->key_file, folder_ + "/.kube/k/k.pem");
  EXPECT_FALSE(access->insecure_skip_verify);
  const auto other = Read("there");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->server, "https://d.example");
  EXPECT_TRUE(other->insecure_skip_verify);
}

TEST_F(KubeConfigTest, HoldsWhatIsWrittenInIt) {
  variables_["KUBECONFIG"] =
      Write("config", Text("token: abc, client-certificate-data: " + Base64("cert") +
                               ", client-key-data: " + Base64("key"),
                           ", certificate-authority-data: " + Base64("authority")));
  auto access = Read();
  ASSERT_TRUE(access) << access.error().message;
  const auto content = [](const std::string& path) {
    const auto text = kube::ReadSmallFile(path, 100);
    return text ? *text : text.error().message;
  };
  EXPECT_EQ(*kube::ReadToken(access->token_file), "abc");
  EXPECT_EQ(content(access->ca_file), "authority");
  EXPECT_EQ(content(access->certificate_file), "cert");
  EXPECT_EQ(content(access->key_file), "key");
  const std::string path = access->ca_file;
  const kube::Access copy = *access;
  access = Fail(ErrorCode::kUnknown, "");
  EXPECT_EQ(content(path), "authority") << "a copy holds it too";
}

TEST_F(KubeConfigTest, OfSeveralFilesTheFirstEntryCounts) {
  const std::string first = Write("first", "current-context: there\n");
  const std::string second = Write("second", Text("token: abc"));
  variables_["KUBECONFIG"] = first + ":" + folder_ + "/absent:" + second;
  ASSERT_TRUE(Read()) << Problem();
  EXPECT_EQ(Read()->server, "https://d.example");
}

TEST_F(KubeConfigTest, SaysWhatIsWrong) {
  EXPECT_THAT(Problem(), HasSubstr("neither KUBECONFIG nor HOME is set"));
  variables_["HOME"] = folder_;
  EXPECT_THAT(Problem(), HasSubstr("there is no kubeconfig at " + folder_ + "/.kube/config"));
  const auto problem = [&](const std::string& text, const std::string& context = "") {
    Write(".kube/config", text);
    return Problem(context);
  };
  EXPECT_THAT(problem("a: ["), HasSubstr("config:1:"));
  EXPECT_THAT(problem("a: b"), HasSubstr("has no current-context"));
  EXPECT_THAT(problem(Text("token: a"), "nowhere"), HasSubstr("has no context \"nowhere\""));
  EXPECT_THAT(problem(Text("exec: {command: aws}")), HasSubstr("the user's exec is not supported"));
  EXPECT_THAT(problem(Text("username: a, password: b")), HasSubstr("the user's username"));
  EXPECT_THAT(problem(Text("client-key-data: '*'")), HasSubstr("client-key-data is no base64"));
  EXPECT_THAT(problem(Text("token: a", ", proxy-url: http://p")), HasSubstr("proxy-url"));
  EXPECT_THAT(problem("current-context: here\ncontexts: [{name: here, context: {cluster: c}}]\n"),
              HasSubstr("has no cluster \"c\""));
}

}  // namespace
}  // namespace wirespan::gateway
