#include "gateway/pipeline/component_status.h"

#include <gtest/gtest.h>

#include "gateway/pipeline/storage.h"

namespace wirespan::gateway {
namespace {

TEST(StatusBoardTest, ShowsWhatLivesInTheOrderAdded) {
  StatusBoard board;
  const auto receiver = board.Add("receiver", "otlp", "grpc");
  auto exporter = board.Add("exporter", "otlp/2", "traces");
  exporter->Set(ComponentState::kDegraded, "backend:4317: connection refused");
  auto all = board.Components();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, "otlp");
  EXPECT_EQ(all[0].state, ComponentState::kStarting);
  EXPECT_EQ(all[1].part, "traces");
  EXPECT_EQ(all[1].message, "backend:4317: connection refused");
  exporter.reset();
  EXPECT_EQ(board.Components().size(), 1u);
}

TEST(StatusBoardTest, AStateKeepsItsBeginningAndTakesNewSentences) {
  const auto status = StatusBoard().Add("exporter", "otlp", "traces");
  status->Set(ComponentState::kRefusing, "one");
  const auto first = status->snapshot();
  status->Set(ComponentState::kRefusing, "two");
  EXPECT_EQ(status->snapshot().message, "two");
  EXPECT_EQ(status->snapshot().since_ns, first.since_ns);
  status->Set(ComponentState::kOk);
  EXPECT_EQ(status->snapshot().message, "");
  EXPECT_EQ(StateName(status->snapshot().state), "ok");
}

TEST(StorageDirectoryTest, EachExporterAndSignalHasAFolder) {
  const StorageDirectory storage{.path = "/var/lib/otelcol/file_storage"};
  EXPECT_EQ(storage.FolderOf("otlp/2", Signal::kTraces),
            "/var/lib/otelcol/file_storage/exporter_otlp_2_traces");
  EXPECT_EQ(storage.FolderOf("otlp/../x y", Signal::kLogs),
            "/var/lib/otelcol/file_storage/exporter_otlp_.._x~20y_logs");
}

}  // namespace
}  // namespace wirespan::gateway
