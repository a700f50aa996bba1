#include "gateway/query/coverage_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace wirespan::gateway::query {
namespace {

TEST(CoverageJsonTest, TellsEachNodeWithALedgerThatCloses) {
  store::NodeCoverage node{.node = "kube-\"1\"",
                           .instance = "a-7",
                           .version = "0.1.0",
                           .seen_at_ns = 1'790'000'000'123'456'789,
                           .reported = 90,
                           .dropped = {{"export: queue_full", 7}, {"span: ignored", 3}},
                           .processes = {{.pid = 7,
                                          .name = "shop",
                                          .protocol = "http/1.1",
                                          .seen = true,
                                          .how = "socktrace",
                                          .missing = "not seen: 1 TLS connection",
                                          .sockets = 4}}};
  const auto json = nlohmann::json::parse(CoverageJson({node, {}}));
  const auto expected = nlohmann::json::parse(R"({"nodes":[
      {"node":"kube-\"1\"","instance":"a-7","seen_at_us":1790000000123456,"version":"0.1.0",
       "ledger":{"seen":100,"reported":90,"dropped":[{"reason":"export: queue_full","count":7},
                                                     {"reason":"span: ignored","count":3}]},
       "processes":[{"pid":7,"name":"shop","protocol":"http/1.1","seen":true,"how":"socktrace",
                     "missing":"not seen: 1 TLS connection","sockets":4}]},
      {"node":"","instance":"","seen_at_us":0,"version":"",
       "ledger":{"seen":0,"reported":0,"dropped":[]},"processes":[]}]})");
  EXPECT_EQ(json, expected);
}

}  // namespace
}  // namespace wirespan::gateway::query
