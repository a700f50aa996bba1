#include "gateway/extension/authenticators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "common/http/credentials.h"
#include "gateway/extension/extensions.h"
#include "gateway/extension/watched_file.h"
#include "tests/support/fake_clock.h"

namespace wirespan::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

FindHeader Headers(std::map<std::string, std::string, std::less<>> headers) {
  const auto shared = std::make_shared<decltype(headers)>(std::move(headers));
  return [shared](std::string_view name) -> std::optional<std::string_view> {
    const auto found = shared->find(name);
    if (found == shared->end()) return std::nullopt;
    return found->second;
  };
}

class AuthTest : public ::testing::Test {
 protected:
  AuthTest() {
    char folder[] = "/tmp/wirespan-auth-XXXXXX";
    folder_ = ::mkdtemp(folder);
  }
  ~AuthTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    // A new file each time, as Kubernetes and careful writers do.
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }
  void Later() { clock_.Advance(1'000'000'000); }

  testing::FakeClock clock_;
  std::string folder_;
};

TEST_F(AuthTest, BasicLetsInWhoKnowsThePassword) {
  auto basic = CreateBasicServer(
      {.htpasswd_inline =
           SecretString("# users\nann:secret\n\nbob:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n")},
      clock_);
  ASSERT_TRUE(basic);
  const auto code = [&](const std::string& header) {
    return (*basic)->Authenticate(Headers({{"authorization", header}})).code;
  };
  EXPECT_EQ(code(http::BasicCredentials("ann", "secret")), StatusCode::kOk);
  EXPECT_EQ(code(http::BasicCredentials("ann", "secret")), StatusCode::kOk);
  EXPECT_EQ(code(http::BasicCredentials("bob", "test")), StatusCode::kOk);
  for (const std::string& bad :
       {http::BasicCredentials("ann", "wrong"), http::BasicCredentials("eve", "secret"),
        http::BasicCredentials("", ""), std::string("Basic !"), std::string("Basic"),
        std::string("Bearer x"), std::string(10000, 'x')}) {
    EXPECT_EQ(code(bad), StatusCode::kUnauthenticated) << bad;
  }
  const Outcome missing = (*basic)->Authenticate(Headers({}));
  EXPECT_EQ(missing.code, StatusCode::kUnauthenticated);
  EXPECT_FALSE(missing.retryable);
  EXPECT_THAT((*basic)->challenge(), HasSubstr("Basic"));
}

TEST_F(AuthTest, ARenewedPasswordFileForgetsWhoWasLetIn) {
  const std::string file = Write("htpasswd", "ann:one\n");
  auto basic = CreateBasicServer({.htpasswd_file = file}, clock_);
  ASSERT_TRUE(basic);
  const auto lets_in = [&](const char* password) {
    return (*basic)
        ->Authenticate(Headers({{"authorization", http::BasicCredentials("ann", password)}}))
        .ok();
  };
  EXPECT_TRUE(lets_in("one"));
  Write("htpasswd", "ann:two\n");
  Later();
  EXPECT_FALSE(lets_in("one"));
  EXPECT_TRUE(lets_in("two"));
  std::filesystem::remove(file);
  Later();
  EXPECT_TRUE(lets_in("two")) << "a file that is gone keeps its last content";
}

TEST_F(AuthTest, BearerTokensAreRenewedFromTheirFile) {
  const std::string file = Write("token", "one\nold\n");
  const BearerTokenOptions options{.filename = file};
  auto server = CreateBearerServer(options, clock_);
  auto client = CreateBearerClient(options, clock_);
  ASSERT_TRUE(server && client);
  const auto lets_in = [&](const char* header) {
    return (*server)->Authenticate(Headers({{"authorization", header}})).ok();
  };
  EXPECT_TRUE(lets_in("Bearer one"));
  EXPECT_TRUE(lets_in("Bearer old"));
  EXPECT_FALSE(lets_in("one"));
  EXPECT_FALSE(lets_in("Bearer on"));
  HeaderList headers = {{"Authorization", "mine"}, {"x", "y"}};
  ASSERT_TRUE((*client)->Apply(nullptr, headers));
  EXPECT_THAT(headers, ElementsAre(Pair("x", "y"), Pair("authorization", "Bearer one")));
  Write("token", "three");
  Later();
  EXPECT_FALSE(lets_in("Bearer one"));
  ASSERT_TRUE((*client)->Apply(nullptr, headers));
  EXPECT_EQ(headers.back().second, "Bearer three");
  Write("token", "\n");
  Later();
  EXPECT_FALSE((*client)->Apply(nullptr, headers));
}

TEST_F(AuthTest, BearerWithAnotherHeaderAndNoScheme) {
  const BearerTokenOptions options{
      .header = "x-key", .scheme = "", .tokens = {SecretString("a"), SecretString("b")}};
  auto server = CreateBearerServer(options);
  EXPECT_TRUE((*server)->Authenticate(Headers({{"x-key", "b"}})).ok());
  EXPECT_FALSE((*server)->Authenticate(Headers({{"x-key", "Bearer b"}})).ok());
  EXPECT_EQ((*server)->Authenticate(Headers({})).message, "no x-key header");
}

TEST_F(AuthTest, HeadersSetterDoesItsFourActions) {
  using Action = HeadersSetterOptions::Action;
  HeadersSetterOptions options;
  options.headers = {
      {.action = Action::kInsert, .key = "a", .value = SecretString("new")},
      {.action = Action::kInsert, .key = "b", .value = SecretString("new")},
      {.action = Action::kUpdate, .key = "c", .value = SecretString("new")},
      {.action = Action::kUpdate, .key = "a", .value = SecretString("newer")},
      {.action = Action::kDelete, .key = "d"},
      {.key = "tenant", .from_context = "x-tenant", .default_value = SecretString("nobody")},
      {.key = "file", .value_file = Write("value", "from a file\n")},
  };
  auto setter = CreateHeadersSetter(options, nullptr, clock_);
  ASSERT_TRUE(setter);
  HeaderList headers = {{"A", "old"}, {"d", "x"}};
  ASSERT_TRUE((*setter)->Apply(nullptr, headers));
  EXPECT_THAT(headers, ElementsAre(Pair("b", "new"), Pair("a", "newer"), Pair("tenant", "nobody"),
                                   Pair("file", "from a file")));
  const Metadata shop(std::vector<Metadata::Entry>{{.key = "X-Tenant", .values = {"shop"}}});
  ASSERT_TRUE((*setter)->Apply(&shop, headers));
  EXPECT_THAT(headers, ::testing::Contains(Pair("tenant", "shop")));
  const Metadata two(std::vector<Metadata::Entry>{{.key = "x-tenant", .values = {"shop", "bank"}}});
  auto applied = (*setter)->Apply(&two, headers);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AuthTest, ExtensionsAreMadeInTheOrderTheyNeedEachOther) {
  std::map<std::string, ExtensionOptions> options;
  options["a"] = HeadersSetterOptions{.headers = {{.key = "x", .value = SecretString("1")}},
                                      .additional_auth = "b"};
  options["b"] = HeadersSetterOptions{.headers = {{.key = "y", .value = SecretString("2")}},
                                      .additional_auth = "c"};
  options["c"] = BearerTokenOptions{.tokens = {SecretString("t")}};
  auto made = Extensions::Create(options);
  ASSERT_TRUE(made) << made.error().message;
  HeaderList headers;
  ASSERT_TRUE((*made)->client_auth("a")->Apply(nullptr, headers));
  EXPECT_THAT(headers,
              ElementsAre(Pair("authorization", "Bearer t"), Pair("y", "2"), Pair("x", "1")));
  EXPECT_EQ((*made)->client_auth("none"), nullptr);
  options["c"] = HeadersSetterOptions{.headers = {{.key = "z", .value = SecretString("3")}},
                                      .additional_auth = "a"};
  EXPECT_THAT(Extensions::Create(options).error().message, HasSubstr("leads back to itself"));
}

TEST_F(AuthTest, FoldersOfFileStorageAreMadeOrRefused) {
  FileStorageOptions storage;
  storage.storage.path = folder_ + "/a/b";
  auto made = Extensions::Create({{"file_storage", storage}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/a/b"));
  EXPECT_EQ((*made)->storage("file_storage")->path, folder_ + "/a/b");
  storage.storage.path = folder_ + "/none";
  storage.create_directory = false;
  EXPECT_EQ(Extensions::Create({{"file_storage", storage}}).error().message,
            "file_storage: directory " + folder_ + "/none: No such file or directory");
  storage.storage.path = Write("file", "");
  EXPECT_THAT(Extensions::Create({{"file_storage", storage}}).error().message,
              HasSubstr("Not a directory"));
}

TEST_F(AuthTest, AMissingFileIsNamedWithItsExtension) {
  EXPECT_EQ(Extensions::Create({{"basicauth/x", BasicAuthOptions{.htpasswd_file = "/none"}}})
                .error()
                .message,
            "basicauth/x: read /none: No such file or directory");
}

}  // namespace
}  // namespace wirespan::gateway
