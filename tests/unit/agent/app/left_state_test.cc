#include "agent/app/left_state.h"

#include <gtest/gtest.h>

namespace wirespan::app {
namespace {

LeftState Sample() {
  LeftState state;
  connection::OpenEvent open;
  open.conn = {7};
  open.pid = 42;
  open.opener = connection::Opener::kLocal;
  open.local.family = connection::Family::kInet;
  open.local.port = 50051;
  open.wire_known = true;
  open.local_isn = 9;
  open.joined_late = true;
  state.opens = {open, open};
  state.opens[1].conn = {8};
  connection::HandedConnection handed;
  handed.id = {7};
  handed.tables[0] = {100, 120, "table"};
  state.tables = {handed};
  return state;
}

TEST(LeftStateTest, ComesBackAsItWas) {
  const auto back = DecodeLeftState(EncodeLeftState(Sample(), 1 << 20));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->opens.size(), 2u);
  EXPECT_EQ(back->opens[0].conn.cookie, 7u);
  EXPECT_EQ(back->opens[1].conn.cookie, 8u);
  EXPECT_EQ(back->opens[0].pid, 42u);
  EXPECT_EQ(back->opens[0].opener, connection::Opener::kLocal);
  EXPECT_EQ(back->opens[0].local, Sample().opens[0].local);
  EXPECT_TRUE(back->opens[0].joined_late);
  ASSERT_EQ(back->tables.size(), 1u);
  EXPECT_EQ(back->tables[0].tables[0].boundary, 120u);
  EXPECT_EQ(back->tables[0].tables[0].table, "table");
}

TEST(LeftStateTest, WhatIsCutInsideARecordOrFlippedIsNotTaken) {
  const std::string bytes = EncodeLeftState(Sample(), 1 << 20);
  std::size_t taken = 0;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    taken += DecodeLeftState(bytes.substr(0, cut)).has_value() ? 1 : 0;
  EXPECT_EQ(taken, 2u);  // before each of the two opens
  std::string flipped = bytes;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_FALSE(DecodeLeftState(flipped));
}

TEST(LeftStateTest, StaysWithinItsBound) {
  const std::string all = EncodeLeftState(Sample(), 1 << 20);
  for (const std::size_t bound : {std::size_t{64}, all.size() - 1}) {
    const std::string bytes = EncodeLeftState(Sample(), bound);
    EXPECT_LE(bytes.size(), bound);
    const auto back = DecodeLeftState(bytes);
    ASSERT_TRUE(back) << bound;
    EXPECT_LT(back->opens.size(), 2u);
  }
}

}  // namespace
}  // namespace wirespan::app
