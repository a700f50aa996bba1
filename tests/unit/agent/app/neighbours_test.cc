#include "agent/app/neighbours.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/process/own.h"

namespace wirespan::app {
namespace {

using Kind = Turn::Kind;

std::optional<process::PodScope> PodOf(const std::string& path) {
  return process::PodScope::Of(process::ParseCgroupPath(path));
}

// Processes are as old as their pids say.
Neighbour Node(std::uint32_t pid, AgentState state) {
  return {.pid = pid, .start_ticks = pid, .word = {true, state}, .pod = PodOf("/a/node/x")};
}
Neighbour Pod(std::uint32_t pid, AgentState state, const std::string& path = "/a/pod1/x") {
  return {.pid = pid, .start_ticks = pid, .word = {false, state}, .pod = PodOf(path)};
}
Self NodeSelf(std::uint32_t pid) {
  return {.pid = pid, .start_ticks = pid, .node_wide = true, .pod = PodOf("/a/node2/x")};
}
Self PodSelf(std::uint32_t pid, const std::string& path = "/a/pod1/y") {
  return {.pid = pid, .start_ticks = pid, .node_wide = false, .pod = PodOf(path)};
}

TEST(NeighboursTest, SaysAndReadsItsWord) {
  for (const bool node : {true, false}) {
    for (const auto state : {AgentState::kClaiming, AgentState::kActive, AgentState::kWaiting}) {
      const auto read = ReadWord(WriteWord({node, state}) + "   ");
      ASSERT_TRUE(read);
      EXPECT_EQ(read->node_wide, node);
      EXPECT_EQ(read->state, state);
    }
  }
  EXPECT_TRUE(ReadWord("wirespan-agent 1 pod active since yesterday\n")) << "of a later version";
  for (const char* none : {"", "wirespan-agent 1 ", "wirespan-agent 2 node active", "x",
                           "wirespan-agent 1 node asleep", "wirespan-agent 1 planet active"}) {
    EXPECT_FALSE(ReadWord(none)) << none;
  }
}

TEST(NeighboursTest, AloneItGoes) {
  EXPECT_EQ(Judge(NodeSelf(5), {}).kind, Kind::kGo);
  EXPECT_EQ(Judge(PodSelf(5), {}).kind, Kind::kGo);
}

TEST(NeighboursTest, TheSecondOfANodeWaitsAndTheOneThatWaitsIsInNobodysWay) {
  EXPECT_EQ(Judge(NodeSelf(5), {Node(9, AgentState::kActive)}).kind, Kind::kWait);
  EXPECT_EQ(Judge(PodSelf(5), {Node(9, AgentState::kActive)}).kind, Kind::kWait);
  EXPECT_EQ(Judge(NodeSelf(5), {Node(1, AgentState::kWaiting)}).kind, Kind::kGo);
  EXPECT_EQ(Judge(PodSelf(5), {Pod(1, AgentState::kWaiting)}).kind, Kind::kGo);
}

TEST(NeighboursTest, OfTwoClaimsTheOlderWinsOnceTheYoungerHasDecided) {
  EXPECT_EQ(Judge(NodeSelf(5), {Node(1, AgentState::kClaiming)}).kind, Kind::kWait);
  EXPECT_EQ(Judge(NodeSelf(5), {Node(9, AgentState::kClaiming)}).kind, Kind::kLookAgain);
  EXPECT_EQ(Judge(PodSelf(5), {Node(1, AgentState::kClaiming)}).kind, Kind::kWait);
  EXPECT_EQ(Judge(PodSelf(5), {Node(9, AgentState::kClaiming)}).kind, Kind::kLookAgain);
  EXPECT_EQ(Judge(NodeSelf(5), {Pod(9, AgentState::kClaiming)}).kind, Kind::kLookAgain);
}

TEST(NeighboursTest, ANodesAgentLeavesOutPodsThatHaveTheirOwn) {
  const std::vector<Neighbour> others = {Pod(1, AgentState::kActive), Pod(2, AgentState::kWaiting),
                                         Pod(3, AgentState::kClaiming, "/a/pod2/x")};
  const Turn turn = Judge(NodeSelf(5), others);
  EXPECT_EQ(turn.kind, Kind::kGo);
  ASSERT_EQ(turn.left_out.size(), 2u);
  EXPECT_EQ(turn.left_out[0]->pid, 1u);
  EXPECT_EQ(turn.left_out[1]->pid, 3u);
}

TEST(NeighboursTest, OnePodHasOneAgent) {
  EXPECT_EQ(Judge(PodSelf(5), {Pod(9, AgentState::kActive)}).kind, Kind::kWait);
  EXPECT_EQ(Judge(PodSelf(5), {Pod(9, AgentState::kActive, "/a/pod2/x")}).kind, Kind::kGo);
  EXPECT_EQ(Judge(PodSelf(5), {Pod(9, AgentState::kClaiming, "/a/pod2/x")}).kind, Kind::kGo);
}

// Whatever the order in which two write, look and decide, at most one of them observes a process.
TEST(NeighboursTest, NoOrderOfStepsLetsTwoIn) {
  struct Agent {
    Self self{};
    AgentState state = AgentState::kWaiting;
    bool decided = false;
    bool left_out_other = false;
  };
  const auto as_neighbour = [](const Agent& agent) {
    return Neighbour{.pid = agent.self.pid,
                     .start_ticks = agent.self.start_ticks,
                     .word = {agent.self.node_wide, agent.state},
                     .pod = agent.self.pod};
  };
  const std::vector<std::pair<Self, Self>> pairs = {{NodeSelf(1), NodeSelf(2)},
                                                    {NodeSelf(1), PodSelf(2)},
                                                    {NodeSelf(2), PodSelf(1)},
                                                    {PodSelf(1), PodSelf(2)}};
  // Bit i of `order` says whose step i is. A step: claim; then look; then, apart from the look,
  // act.
  for (const auto& [first, second] : pairs) {
    for (unsigned order = 0; order < 1u << 14; ++order) {
      Agent agents[2] = {{.self = first}, {.self = second}};
      std::optional<Turn> seen[2];
      std::vector<Neighbour> shown[2];
      for (int step = 0; step < 14; ++step) {
        const unsigned i = order >> step & 1;
        Agent& me = agents[i];
        if (me.decided) continue;
        if (me.state == AgentState::kWaiting) {
          me.state = AgentState::kClaiming;
        } else if (!seen[i]) {
          shown[i] = {as_neighbour(agents[1 - i])};
          seen[i] = Judge(me.self, shown[i]);
        } else {
          if (seen[i]->kind == Kind::kGo) {
            me.state = AgentState::kActive;
            me.left_out_other = !seen[i]->left_out.empty();
          }
          if (seen[i]->kind == Kind::kWait) me.state = AgentState::kWaiting;
          me.decided = seen[i]->kind != Kind::kLookAgain;
          seen[i].reset();
        }
      }
      const bool both =
          agents[0].state == AgentState::kActive && agents[1].state == AgentState::kActive;
      EXPECT_FALSE(both && !agents[0].left_out_other && !agents[1].left_out_other)
          << first.node_wide << second.node_wide << " order " << order;
      const bool none = agents[0].decided && agents[1].decided &&
                        agents[0].state == AgentState::kWaiting &&
                        agents[1].state == AgentState::kWaiting;
      EXPECT_FALSE(none) << first.node_wide << second.node_wide << " order " << order;
    }
  }
}

TEST(NeighboursTest, AnAgentReadsWhatItselfSaid) {
  auto said = Registration::Create({.node_wide = false, .state = AgentState::kActive});
  ASSERT_TRUE(said) << said.error().message;
  const auto own = process::ReadOwnProcess("");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->pid, static_cast<std::uint32_t>(getpid()));
  const Neighbour me{.pid = own->pid, .start_ticks = own->start_ticks};
  auto word = AskNeighbour("", me);
  ASSERT_TRUE(word);
  EXPECT_EQ(word->state, AgentState::kActive);
  EXPECT_FALSE(word->node_wide);
  ASSERT_TRUE(said->Say({.node_wide = false, .state = AgentState::kWaiting}));
  word = AskNeighbour("", me);
  ASSERT_TRUE(word);
  EXPECT_EQ(word->state, AgentState::kWaiting);
  // Another process of the same pid says nothing for it.
  EXPECT_FALSE(AskNeighbour("", {.pid = own->pid, .start_ticks = own->start_ticks + 1}));
}

}  // namespace
}  // namespace wirespan::app
