#include "gateway/sink/store/metrics_sender.h"

#include <string>
#include <utility>

#include "common/base/clock.h"
#include "gateway/sink/store/under_way.h"

namespace wirespan::gateway::store {

namespace {

class MetricsSender : public Sender {
 public:
  MetricsSender(std::shared_ptr<CoverageTable> table, std::shared_ptr<TraceStore> store,
                std::shared_ptr<const void> companion)
      : table_(std::move(table)), store_(std::move(store)), companion_(std::move(companion)) {}

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    const std::string bytes = request.bytes.ToString();
    const auto taken = table_->Take(bytes, SystemClock().realtime_ns());
    red::RedReport report = red::ReadRedReport(bytes);
    store_->AppendPoints(
        std::move(report), taken.other,
        under_way_.Until([done = std::move(done)](Result<> written) {
          done(written ? Outcome{} : Outcome::Retry(std::move(written.error().message)));
        }));
  }

 private:
  const std::shared_ptr<CoverageTable> table_;
  const std::shared_ptr<TraceStore> store_;
  const std::shared_ptr<const void> companion_;
  UnderWay under_way_{};  // ends first: it waits for answers
};

}  // namespace

std::unique_ptr<Sender> CreateMetricsSender(std::shared_ptr<CoverageTable> table,
                                            std::shared_ptr<TraceStore> store,
                                            std::shared_ptr<const void> companion) {
  return std::make_unique<MetricsSender>(std::move(table), std::move(store), std::move(companion));
}

}  // namespace wirespan::gateway::store
