// What receivers keep of their requests' headers, whichever transport brings them.
#include "gateway/ingest/client_metadata.h"

#include <gmock/gmock.h>

#include "gateway/ingest/zipkin_receiver.h"
#include "tests/unit/gateway/ingest/fixture.h"

namespace wirespan::gateway::testing {
namespace {

using ::testing::HasSubstr;

// A user without a password.
class Named : public ServerAuthenticator {
 public:
  Outcome Authenticate(const FindHeader& find, AuthAttributes* found) const override {
    const auto name = find("x-user");
    if (!name) return Outcome::Reject(StatusCode::kUnauthenticated, "who?");
    if (found != nullptr) found->emplace_back("username", std::string(*name));
    return {};
  }
  std::string_view challenge() const override { return "Named"; }
};

class ClientMetadataTest : public ReceiverTest {
 protected:
  void Restart(bool include_metadata) {
    Door::Pipelines all{.by_signal = {&ground_, &ground_, &ground_}};
    auto grpc = StartGrpcReceiver({.auth = std::make_shared<Named>(),
                                   .endpoint = "127.0.0.1:0",
                                   .include_metadata = include_metadata,
                                   .metadata_keys = keys_},
                                  std::make_unique<Door>("otlp", "grpc", all, budget_, registry_));
    ASSERT_TRUE(grpc);
    grpc_ = std::move(*grpc);
    const HttpServerOptions options{.auth = std::make_shared<Named>(),
                                    .endpoint = "127.0.0.1:0",
                                    .include_metadata = include_metadata,
                                    .metadata_keys = keys_};
    auto http =
        StartHttpReceiver(options, std::make_unique<Door>("otlp", "http", all, budget_, registry_));
    ASSERT_TRUE(http);
    http_ = std::move(*http);
    auto zipkin = StartZipkinReceiver(
        options, std::make_unique<Door>("zipkin", "http", all, budget_, registry_));
    ASSERT_TRUE(zipkin);
    zipkin_ = std::move(*zipkin);
  }
  int SendGrpc(const std::vector<std::pair<std::string, std::string>>& metadata) {
    return GrpcExport("127.0.0.1:" + std::to_string(grpc_->port()),
                      std::string(otlp::GrpcMethod(Signal::kTraces)), Spans(1),
                      GrpcCompression::kNone, std::chrono::seconds(30), metadata)
        .code;
  }
  std::shared_ptr<const Metadata> Last() {
    auto received = ground_.Take();
    return received.empty() ? nullptr : received.back().metadata;
  }
  std::unique_ptr<Receiver> zipkin_;
  std::vector<std::string> keys_ = {":auth.username", "authorization", "x-tenant"};
};

TEST_F(ClientMetadataTest, KeepsWhatIsAskedForOfEachTransport) {
  Restart(true);
  const Metadata expected(
      std::vector<Metadata::Entry>{{.key = ":auth.username", .values = {"ann"}},
                                   {.key = "x-tenant", .values = {"shop", "bank"}}});
  EXPECT_EQ(SendGrpc({{"x-user", "ann"}, {"x-tenant", "shop"}, {"x-tenant", "bank"}}), 0);
  auto kept = Last();
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept, expected);
  const std::vector<std::string> headers = {"X-User: ann", "X-Tenant: shop", "x-tenant: bank",
                                            "X-Other: o"};
  EXPECT_EQ(Proto(Spans(1), headers).status, 200);
  kept = Last();
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept, expected);
  EXPECT_EQ(
      HttpPost(zipkin_->port(), "/api/v2/spans", "application/json",
               R"([{"traceId":"000000000000000a","id":"000000000000000b","name":"x"}])", headers)
          .status,
      202);
  kept = Last();
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept, expected);
}

TEST_F(ClientMetadataTest, KeepsNothingWithoutIncludeMetadata) {
  Restart(false);
  EXPECT_EQ(SendGrpc({{"x-user", "ann"}, {"x-tenant", "shop"}}), 0);
  EXPECT_EQ(Last(), nullptr);
  EXPECT_EQ(Proto(Spans(1), {"X-User: ann", "X-Tenant: shop"}).status, 200);
  EXPECT_EQ(Last(), nullptr);
}

TEST_F(ClientMetadataTest, KeepsTheSendersAddressWithoutIncludeMetadataToo) {
  keys_.emplace_back(kPeerKey);
  Restart(false);
  const auto expect_local = [&](const char* transport) {
    const auto kept = Last();
    ASSERT_NE(kept, nullptr) << transport;
    EXPECT_EQ(
        kept->entries(),
        (std::vector<Metadata::Entry>{{.key = std::string(kPeerKey), .values = {"127.0.0.1"}}}))
        << transport;
  };
  EXPECT_EQ(SendGrpc({{"x-user", "ann"}, {"x-tenant", "shop"}}), 0);
  expect_local("grpc");
  EXPECT_EQ(Proto(Spans(1), {"X-User: ann", "X-Tenant: shop"}).status, 200);
  expect_local("http");
  EXPECT_EQ(HttpPost(zipkin_->port(), "/api/v2/spans", "application/json",
                     R"([{"traceId":"000000000000000a","id":"000000000000000b","name":"x"}])",
                     {"X-User: ann"})
                .status,
            202);
  expect_local("zipkin");
}

TEST(PeerAddressTest, ReadsWhatEachTransportSays) {
  EXPECT_EQ(PeerAddress("10.1.0.7:4711"), "10.1.0.7");
  EXPECT_EQ(PeerAddress("ipv4:10.1.0.7:4711"), "10.1.0.7");
  EXPECT_EQ(PeerAddress("[fd00::7]:4711"), "fd00::7");
  EXPECT_EQ(PeerAddress("ipv6:[fd00::7]:4711"), "fd00::7");
  EXPECT_EQ(PeerAddress("ipv6:%5Bfd00::7%5D:4711"), "fd00::7");
  EXPECT_EQ(PeerAddress("ipv6:[::ffff:10.1.0.7]:4711"), "10.1.0.7");
  for (const char* none : {"", "unix:/run/x:1", "unix-abstract:x", "unknown", ":"}) {
    EXPECT_EQ(PeerAddress(none), "") << none;
  }
}

TEST_F(ClientMetadataTest, NoHeaderCanPretendToBeAnAuthenticatorsWord) {
  Restart(true);
  EXPECT_EQ(Proto(Spans(1), {"X-User: ann", "auth.username: eve"}).status, 200);
  const auto kept = Last();
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept->Find(":auth.username"), std::vector<std::string>{"ann"});
}

TEST_F(ClientMetadataTest, TooMuchOfItIsRefusedWhole) {
  ClientMetadata keeper({"x-tenant"});
  std::shared_ptr<const Metadata> metadata;
  const auto headers = [](std::string_view, const std::function<void(std::string_view)>& value) {
    for (int i = 0; i < 100; ++i) value(std::string(100, 'x'));
  };
  const Outcome outcome = keeper.Take(headers, {}, "10.1.0.7:80", metadata);
  EXPECT_EQ(outcome.code, StatusCode::kInvalidArgument);
  EXPECT_EQ(metadata, nullptr);

  Restart(true);
  // More than one header may have; the bound is on their sum.
  const std::string large(5000, 'x');
  const HttpAnswer answer = Json("{}", {"X-User: ann", "X-Tenant: " + large, "X-Tenant: " + large});
  EXPECT_EQ(answer.status, 431);
  EXPECT_THAT(answer.body, HasSubstr("larger than 8192 bytes"));
}

}  // namespace
}  // namespace wirespan::gateway::testing
