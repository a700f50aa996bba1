#include "gateway/sink/store/rates/rate_table.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/sink/store/rates/fold.h"
#include "gateway/sink/store/rates/window_codec.h"

namespace wirespan::gateway::store::rates {
namespace {

constexpr std::uint64_t kWindow = 1'700'000'400;  // a multiple of 600

std::map<SeriesKey, std::uint64_t> Counts(const RateTable& table) {
  std::map<SeriesKey, std::uint64_t> counts;
  for (const RateTable::Series& series : table.series()) {
    for (const auto& [time, cell] : series.cells) counts[series.key] += cell.count;
  }
  return counts;
}

TEST(RateTableTest, CountsBySeriesAndTime) {
  RateTable table(10);
  const auto cart = table.For(SeriesType::kOperation, "shop", "GET /cart", 2);
  EXPECT_EQ(table.For(SeriesType::kOperation, "shop", "GET /cart", 2), cart);
  EXPECT_NE(table.For(SeriesType::kOperation, "shop", "GET /cart", 3), cart);
  EXPECT_NE(table.For(SeriesType::kEdge, "shop", "GET /cart", 2), cart);
  table.Add(cart, {kWindow, 10}, 1000, false);
  table.Add(cart, {kWindow + 10, 10}, 2000, true);
  table.Add(cart, {kWindow, 10}, 3000, true);
  const auto& cells = table.series()[cart].cells;
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells.at({kWindow, 10}).count, 2u);
  EXPECT_EQ(cells.at({kWindow, 10}).errors, 1u);
  EXPECT_EQ(cells.at({kWindow, 10}).sum_ns, 4000u);
  EXPECT_EQ(cells.at({kWindow + 10, 10}).count, 1u);
}

TEST(RateTableTest, WhatHasNoRoomIsCountedAsOther) {
  RateTable table(4);
  for (int i = 0; i < 10; ++i) {
    const auto id = table.For(SeriesType::kOperation, "shop", "GET /" + std::to_string(i), 2);
    table.Add(id, {kWindow, 10}, 1, false);
  }
  for (int i = 0; i < 10; ++i) {
    const auto id = table.For(SeriesType::kEdge, "client" + std::to_string(i), "shop", 0);
    table.Add(id, {kWindow, 10}, 1, false);
  }
  const auto counts = Counts(table);
  EXPECT_EQ(counts.at({SeriesType::kOperation, "shop", "GET /3", 2}), 1u);
  EXPECT_EQ(counts.at({SeriesType::kOperation, "shop", kOther, 2}), 6u);
  EXPECT_EQ(counts.at({SeriesType::kEdge, kOther, kOther, 0}), 10u);
  EXPECT_LE(counts.size(), 6u);
  EXPECT_EQ(table.left_out(), 16u);
}

TEST(RateTableTest, LongNamesAndStrangeKindsAreCut) {
  RateTable table(4);
  const auto id =
      table.For(SeriesType::kOperation, std::string(5000, 's'), std::string(5000, 'n'), 77);
  EXPECT_EQ(table.series()[id].key.service.size(), kMaxNameBytes);
  EXPECT_EQ(table.series()[id].key.name.size(), kMaxNameBytes);
  EXPECT_EQ(table.series()[id].key.kind, 0u);
}

TEST(RateTableTest, CellsGrowWithAge) {
  const CellTime fine{kWindow + 130, 10};
  constexpr std::uint64_t end = kWindow + 600;  // of the window
  EXPECT_EQ(RollUp(fine, 0), fine);             // of the future
  EXPECT_EQ(RollUp(fine, end + 3599), fine);
  EXPECT_EQ(RollUp(fine, end + 3600), (CellTime{kWindow + 120, 60}));
  EXPECT_EQ(RollUp(fine, end + 86400), (CellTime{kWindow, 600}));
  EXPECT_EQ(RollUp({kWindow, 600}, kWindow), (CellTime{kWindow, 600}));
}

TEST(RateTableTest, AFoldKeepsTheBusyAndAllSums) {
  CellSum sum;
  Cell cell;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    cell.Add(i * 1000, false);
    sum[{SeriesType::kOperation, "service" + std::to_string(i % 3), std::to_string(i), 2}]
       [{kWindow, 10}] = cell;  // i spans
  }
  RateTable table(~std::size_t{0});
  EXPECT_EQ(Fold(sum, 8, table), 12u);
  const auto counts = Counts(table);
  EXPECT_EQ(counts.at({SeriesType::kOperation, "service2", "20", 2}), 20u);
  EXPECT_FALSE(counts.contains({SeriesType::kOperation, "service0", "12", 2}));
  std::uint64_t spans = 0;
  for (const auto& [key, count] : counts) spans += count;
  EXPECT_EQ(spans, 210u);
  EXPECT_LE(counts.size(), 8u + 2 + 1);
}

TEST(WindowCodecTest, WhatIsReadIsWhatWasWritten) {
  RateTable table(10);
  const auto cart = table.For(SeriesType::kOperation, "shop", "GET /cart", 2);
  const auto edge = table.For(SeriesType::kEdge, "shop", "cart", 0);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    table.Add(i % 3 == 0 ? edge : cart, {kWindow + i % 60 * 10, 10}, i * i * 1000, i % 7 == 0);
  }
  table.Add(cart, {kWindow + 600, 10}, 5, false);  // of the next window
  RateTable read(10);
  const std::string bytes = EncodeWindow(table, kWindow);
  EXPECT_TRUE(
      DecodeWindow(bytes, kWindow, [&](const SeriesKey& key, CellTime time, const Cell& cell) {
        read.Merge(read.For(key.type, key.service, key.name, key.kind), time, cell);
      }));
  ASSERT_EQ(read.series().size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.series()[i].key, table.series()[i].key);
    for (const auto& [time, cell] : read.series()[i].cells) {
      EXPECT_EQ(cell, table.series()[i].cells.at(time));
    }
  }
  EXPECT_EQ(read.series()[cart].cells.size() + 1, table.series()[cart].cells.size());
  EXPECT_TRUE(EncodeWindow(table, kWindow + 6000).empty());
}

TEST(WindowCodecTest, EveryCutIsSurvived) {
  RateTable table(10);
  table.Add(table.For(SeriesType::kOperation, "shop", "GET /cart", 2), {kWindow, 10}, 7777, true);
  const std::string bytes = EncodeWindow(table, kWindow);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeWindow(bytes.substr(0, cut), kWindow,
                              [](const SeriesKey&, CellTime, const Cell&) { FAIL(); }));
  }
}

}  // namespace
}  // namespace wirespan::gateway::store::rates
