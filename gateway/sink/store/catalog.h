#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wirespan::gateway::store {

struct Operation {
  std::string name{};
  std::uint64_t kind = 0;  // OTLP's numbers
  friend auto operator<=>(const Operation&, const Operation&) = default;
};

// The names in one block.
using Names = std::map<std::string, std::set<Operation>, std::less<>>;  // by service
std::string EncodeNames(const Names& names);
std::optional<Names> DecodeNames(std::string_view bytes);  // nullopt: damaged

// The names in all blocks. Bounded: what does not fit is left out and counted, its spans are found
// all the same. Not thread-safe.
class Catalog {
 public:
  explicit Catalog(std::size_t max_operations = 100000) : max_operations_(max_operations) {}

  void Add(std::uint64_t block, const std::string& service, std::string_view name,
           std::uint64_t kind);
  void Add(std::uint64_t block, const Names& names);
  // Blocks before this one are gone, and with them the names that stood there last.
  void Forget(std::uint64_t first_kept);

  std::vector<std::string> services() const;
  std::vector<Operation> operations(std::string_view service) const;
  std::size_t left_out() const { return left_out_; }

 private:
  // The newest block that has it.
  std::map<std::string, std::map<Operation, std::uint64_t>, std::less<>> names_{};
  const std::size_t max_operations_;
  std::size_t operations_ = 0;
  std::size_t left_out_ = 0;
};

// Calls between services: parent's and child's, by the minute in which the child began.
struct Edge {
  std::uint64_t minute = 0;  // since 1970
  std::string parent{};
  std::string child{};
  friend auto operator<=>(const Edge&, const Edge&) = default;
};
using Edges = std::map<Edge, std::uint64_t>;
std::string EncodeEdges(const Edges& edges);
std::optional<Edges> DecodeEdges(std::string_view bytes);  // nullopt: damaged

}  // namespace wirespan::gateway::store
