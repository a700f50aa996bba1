#include "gateway/sink/stored_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wirespan::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

queue::DurableQueue::Record RecordOf(const StoredForm& stored, std::uint32_t items) {
  queue::DurableQueue::Record record;
  record.items = items;
  record.meta = stored.meta;
  for (const std::string_view piece : stored.payload) record.payload += piece;
  record.payload_bytes = record.payload.size();
  return record;
}

TEST(StoredBatchTest, WhatIsReadIsWhatWasWritten) {
  Batch batch;
  batch.signal = Signal::kLogs;
  batch.items = 7;
  batch.bytes = Bytes(std::string("abc"));
  batch.bytes.Append(Bytes(std::string("def")));
  batch.metadata = std::make_shared<const Metadata>(
      std::vector<Metadata::Entry>{{"x-tenant", {"a", "b"}}, {"x-zone", {""}}});
  Batch read;
  std::string pipeline = "?";
  ASSERT_TRUE(FromStored(RecordOf(ToStored(batch), 7), read, pipeline));
  EXPECT_EQ(read.signal, Signal::kLogs);
  EXPECT_EQ(read.items, 7u);
  EXPECT_EQ(read.bytes.ToString(), "abcdef");
  EXPECT_EQ(pipeline, "");
  ASSERT_TRUE(read.metadata);
  EXPECT_TRUE(*read.metadata == *batch.metadata);
}

TEST(StoredBatchTest, CompressedStaysCompressed) {
  Batch batch;
  batch.bytes = Bytes(std::string("plain"));
  auto owner = std::make_shared<const std::string>("gzipped");
  batch.bytes.SetReceived(otlp::Encoding::kGzip, owner, *owner);
  Batch read;
  std::string pipeline;
  ASSERT_TRUE(FromStored(RecordOf(ToStored(batch), 1), read, pipeline));
  EXPECT_EQ(read.bytes.size(), 0u);
  ASSERT_NE(read.bytes.ReceivedIn(otlp::Encoding::kGzip), nullptr);
  EXPECT_EQ(read.bytes.ReceivedIn(otlp::Encoding::kGzip)->view, "gzipped");
}

TEST(StoredBatchTest, CredentialsAreNotWritten) {
  Batch batch;
  std::vector<Metadata::Entry> entries = {{"x-tenant", {"kept"}}};
  for (const char* key :
       {"authorization", "proxy-authorization", "cookie", "set-cookie", "api-key", "x-api-key",
        "x-auth-token", "client-secret", "x-password", "dd-apikey"}) {
    entries.push_back({key, {"hunter2"}});
  }
  batch.metadata = std::make_shared<const Metadata>(std::move(entries));
  const StoredForm stored = ToStored(batch);
  EXPECT_THAT(stored.meta, HasSubstr("kept"));
  EXPECT_THAT(stored.meta, Not(HasSubstr("hunter2")));
}

TEST(StoredBatchTest, AnyCutOfMetaIsRefusedAndNoneCrashes) {
  Batch batch;
  batch.metadata =
      std::make_shared<const Metadata>(std::vector<Metadata::Entry>{{"x-tenant", {"a"}}});
  const StoredForm stored = ToStored(batch);
  for (std::size_t cut = 0; cut < stored.meta.size(); ++cut) {
    SCOPED_TRACE(cut);
    auto record = RecordOf(stored, 1);
    record.meta.resize(cut);
    Batch read;
    std::string pipeline;
    EXPECT_FALSE(FromStored(std::move(record), read, pipeline));
  }
}

}  // namespace
}  // namespace wirespan::gateway
