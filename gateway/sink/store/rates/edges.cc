#include "gateway/sink/store/rates/edges.h"

#include <algorithm>

namespace wirespan::gateway::store::rates {

namespace {

// The part [from, to) of `whole` equal parts. Parts that follow each other add up to the cell.
Cell PartOf(const Cell& cell, std::uint64_t from, std::uint64_t to, std::uint64_t whole) {
  const auto share = [&](std::uint64_t count) {
    const auto until = [&](std::uint64_t part) {
      __extension__ using Wide = unsigned __int128;
      return static_cast<std::uint64_t>((Wide{count} * part + whole / 2) / whole);
    };
    return until(to) - until(from);
  };
  Cell part;
  for (const Durations::Entry& entry : cell.durations.entries()) {
    if (const std::uint64_t count = share(entry.count); count > 0) {
      part.durations.Add(entry.bucket, count);
    }
  }
  part.count = part.durations.count();
  part.errors = std::min(share(cell.errors), part.count);
  part.from_metrics = std::min(share(cell.from_metrics), part.count);
  part.sum_ns = share(cell.sum_ns);
  return part;
}

std::string MostOf(const std::map<std::string, std::uint64_t>& names) {
  return std::max_element(names.begin(), names.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace

std::string PeerPair(std::string_view peer, std::string_view name) {
  std::string pair(peer);
  pair.push_back('\0');
  return pair.append(name);
}

Cell Without(const Cell& from, const Cell& less) {
  Cell rest;
  std::uint64_t missing = 0;  // in `less`, and not in the same bucket of `from`
  auto taken = less.durations.entries().begin();
  const auto end = less.durations.entries().end();
  for (const Durations::Entry& entry : from.durations.entries()) {
    for (; taken != end && taken->bucket < entry.bucket; ++taken) missing += taken->count;
    std::uint64_t left = entry.count;
    if (taken != end && taken->bucket == entry.bucket) {
      const std::uint64_t both = std::min(left, taken->count);
      left -= both;
      missing += taken->count - both;
      ++taken;
    }
    if (left > 0) rest.durations.Add(entry.bucket, left);
  }
  for (; taken != end; ++taken) missing += taken->count;
  // Metrics know durations to their wide buckets alone, so the same call may be in another of ours.
  if (missing > 0) {
    Durations durations;
    for (const Durations::Entry& entry : rest.durations.entries()) {
      const std::uint64_t both = std::min(missing, entry.count);
      missing -= both;
      if (entry.count > both) durations.Add(entry.bucket, entry.count - both);
    }
    rest.durations = std::move(durations);
  }
  rest.count = rest.durations.count();
  rest.errors = std::min(from.errors - std::min(from.errors, less.errors), rest.count);
  rest.from_metrics = std::min(from.from_metrics, rest.count);
  rest.sum_ns = from.sum_ns - std::min(from.sum_ns, less.sum_ns);
  return rest;
}

void EdgeSum::Add(const SeriesKey& key, const Cell& cell) {
  if (key.type == SeriesType::kOperation) return;
  if (key.type == SeriesType::kEdge) return edges_[{key.service, key.name}].Merge(cell);
  const std::size_t cut = std::min(key.name.find('\0'), key.name.size());
  Peer& peer = peers_[{key.service, key.name.substr(0, cut)}];
  const std::string second = cut < key.name.size() ? key.name.substr(cut + 1) : std::string();
  if (key.type == SeriesType::kPeer) peer.all.Merge(cell);
  if (key.type == SeriesType::kPeerName && !second.empty()) peer.names[second] += cell.count;
  if (key.type != SeriesType::kPeerAnswer) return;
  peer.answered.Merge(cell);
  if (!second.empty()) peer.answers[second] += cell.count;
}

std::vector<Edge> EdgeSum::Edges() const {
  std::map<std::pair<std::string, std::string>, Edge> sum;
  const auto add = [&](const std::string& client, const std::string& server, bool observed,
                       const Cell& cell) {
    Edge& edge = sum[{client, server}];
    if (edge.client.empty()) edge = {.client = client, .server = server, .observed = observed};
    edge.observed |= observed;
    edge.cell.Merge(cell);
  };
  for (const auto& [ends, cell] : edges_) add(ends.first, ends.second, true, cell);
  for (const auto& [ends, peer] : peers_) {
    const auto& [client, address] = ends;
    const Cell rest = Without(peer.all, peer.answered);
    if (rest.count == 0) continue;
    std::uint64_t answers = 0;
    for (const auto& [server, count] : peer.answers) answers += count;
    if (answers == 0 || address == kOther) {
      add(client, peer.names.empty() ? address : MostOf(peer.names), false, rest);
      continue;
    }
    std::uint64_t before = 0;
    for (const auto& [server, count] : peer.answers) {
      const Cell part = PartOf(rest, before, before + count, answers);
      before += count;
      if (part.count > 0 && server != client) add(client, server, true, part);
    }
  }
  std::vector<Edge> edges;
  for (auto& [ends, edge] : sum) edges.push_back(std::move(edge));
  return edges;
}

}  // namespace wirespan::gateway::store::rates
