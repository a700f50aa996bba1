#include "gateway/sink/store/coverage_sender.h"

#include <utility>

#include "common/base/clock.h"

namespace wirespan::gateway::store {

namespace {

class CoverageSender : public Sender {
 public:
  CoverageSender(std::shared_ptr<CoverageTable> table, telemetry::Counter& ignored,
                 std::shared_ptr<const void> companion)
      : table_(std::move(table)), ignored_(ignored), companion_(std::move(companion)) {}

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    const auto taken = table_->Take(request.bytes.ToString(), SystemClock().realtime_ns());
    ignored_.Add(taken.other);
    done(Outcome{});
  }

 private:
  const std::shared_ptr<CoverageTable> table_;
  telemetry::Counter& ignored_;
  const std::shared_ptr<const void> companion_;
};

}  // namespace

std::unique_ptr<Sender> CreateCoverageSender(std::shared_ptr<CoverageTable> table,
                                             telemetry::Counter& ignored,
                                             std::shared_ptr<const void> companion) {
  return std::make_unique<CoverageSender>(std::move(table), ignored, std::move(companion));
}

}  // namespace wirespan::gateway::store
