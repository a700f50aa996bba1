// Calls whose message does not come.
#include "gateway/ingest/patience.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/unit/gateway/ingest/fixture.h"

namespace wirespan::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kDeadline{60};  // of things that take milliseconds

template <class Condition>
bool Eventually(Condition condition) {
  const auto end = steady_clock::now() + kDeadline;
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

struct Counted : Waiting {
  void TooSlow() override { ++slow; }
  std::atomic<int> slow{0};
};

TEST(PatienceTest, EndsWhatWaitsTooLongAndNothingElse) {
  const auto ended = std::make_shared<Counted>();
  const auto late = std::make_shared<Counted>();
  auto gone = std::make_shared<Counted>();
  Patience patience{milliseconds(50)};
  patience.Begin(ended);
  patience.Begin(late);
  patience.Begin(gone);
  gone.reset();
  ASSERT_TRUE(patience.End(*ended));
  EXPECT_TRUE(Eventually([&] { return late->slow == 1; }));
  EXPECT_FALSE(patience.End(*late));
  EXPECT_EQ(ended->slow, 0);
}

// Opens a call and says nothing.
class SilentCall : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  SilentCall(std::uint16_t port, otlp::Signal signal)
      : stub_(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                  grpc::InsecureChannelCredentials())) {
    stub_.PrepareBidiStreamingCall(&context_, std::string(otlp::GrpcMethod(signal)),
                                   grpc::StubOptions(), this);
    StartCall();
  }
  void OnDone(const grpc::Status& status) override { status_.set_value(status); }
  std::future<grpc::Status> status() { return status_.get_future(); }

 private:
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::promise<grpc::Status> status_;
};

class SilentCallTest : public ReceiverTest {};

TEST_F(SilentCallTest, IsEndedAndHoldsNoMemoryAnyMore) {
  Door::Pipelines all{.by_signal = {&ground_, &ground_, &ground_, &ground_}};
  const auto receiver =
      StartGrpcReceiver({.endpoint = "127.0.0.1:0", .message_timeout = milliseconds(500)},
                        std::make_unique<Door>("otlp/2", "grpc", all, budget_, registry_));
  ASSERT_TRUE(receiver);
  SilentCall call((*receiver)->port(), otlp::Signal::kTraces);
  auto status = call.status();
  EXPECT_TRUE(Eventually([&] { return budget_->promised_bytes() > 0; }));
  ASSERT_EQ(status.wait_for(kDeadline), std::future_status::ready);
  const grpc::Status answer = status.get();
  EXPECT_EQ(answer.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(answer.error_message(), "the message came too slowly");
  EXPECT_TRUE(Eventually([&] { return budget_->used_bytes() == 0; }));
}

}  // namespace
}  // namespace wirespan::gateway::testing
