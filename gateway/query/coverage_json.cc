#include "gateway/query/coverage_json.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "common/otlp/json_text.h"

namespace wirespan::gateway::query {

namespace {

using otlp::AppendJsonString;

// The members of one object or the elements of one list, with commas between them.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) {}
  std::string& Next() {
    if (any_) out_ += ',';
    any_ = true;
    return out_;
  }
  void Text(std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(Next()), R"("{}":)", key);
    AppendJsonString(out_, value);
  }
  template <class Plain>
  void Value(std::string_view key, Plain value) {
    fmt::format_to(std::back_inserter(Next()), R"("{}":{})", key, value);
  }

 private:
  std::string& out_;
  bool any_ = false;
};

void AppendLedger(std::string& out, const store::NodeCoverage& node) {
  std::uint64_t seen = node.reported;
  for (const store::DroppedExchanges& dropped : node.dropped) seen += dropped.count;
  fmt::format_to(std::back_inserter(out), R"({{"seen":{},"reported":{},"dropped":[)", seen,
                 node.reported);
  Members list(out);
  for (const store::DroppedExchanges& dropped : node.dropped) {
    list.Next() += '{';
    Members members(out);
    members.Text("reason", dropped.reason);
    members.Value("count", dropped.count);
    out += '}';
  }
  out += "]}";
}

void AppendProcess(std::string& out, const store::ProcessCoverage& process) {
  out += '{';
  Members members(out);
  members.Value("pid", process.pid);
  members.Text("name", process.name);
  members.Text("protocol", process.protocol);
  members.Value("seen", process.seen);
  members.Text("how", process.how);
  members.Text("missing", process.missing);
  members.Value("sockets", process.sockets);
  out += '}';
}

void AppendNode(std::string& out, const store::NodeCoverage& node) {
  constexpr std::uint64_t kNsPerUs = 1000;
  out += '{';
  Members members(out);
  members.Text("node", node.node);
  members.Text("instance", node.instance);
  members.Value("seen_at_us", node.seen_at_ns / kNsPerUs);
  members.Text("version", node.version);
  members.Next() += R"("ledger":)";
  AppendLedger(out, node);
  members.Next() += R"("processes":[)";
  Members list(out);
  for (const store::ProcessCoverage& process : node.processes) AppendProcess(list.Next(), process);
  out += "]}";
}

}  // namespace

std::string CoverageJson(const std::vector<store::NodeCoverage>& nodes) {
  std::string out = R"({"nodes":[)";
  Members list(out);
  for (const store::NodeCoverage& node : nodes) AppendNode(list.Next(), node);
  return out + "]}";
}

}  // namespace wirespan::gateway::query
