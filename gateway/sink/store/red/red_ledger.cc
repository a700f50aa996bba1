#include "gateway/sink/store/red/red_ledger.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>

#include "common/base/hash.h"
#include "gateway/sink/store/rates/series.h"

namespace wirespan::gateway::store::red {

namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kHourNs = 3600 * kNsPerS;
constexpr std::uint64_t kDayNs = 24 * kHourNs;
constexpr std::uint64_t kSweepNs = 600 * kNsPerS;
// Streams that began shortly before a new ledger are counted from their beginning: the programs of
// one machine start in any order.
constexpr std::uint64_t kSlackNs = 300 * kNsPerS;
constexpr std::uint64_t kKeptSpans = 2048;  // of a group, for the shape of its durations

std::uint64_t HashOf(std::initializer_list<std::string_view> parts) {
  // The lengths too: no two lists of texts are one.
  constexpr std::size_t kMost = 4;
  assert(parts.size() <= kMost);
  std::array<std::size_t, kMost> sizes{};
  std::array<std::string_view, kMost + 1> pieces{};
  std::size_t count = 0;
  for (const std::string_view part : parts) {
    sizes[count] = part.size();
    pieces[count++] = part;
  }
  pieces[count++] = {reinterpret_cast<const char*>(sizes.data()), sizeof sizes};
  return Hash64(std::span<const std::string_view>(pieces.data(), count));
}

std::uint64_t FamilyKey(RedKind kind, std::string_view instance, std::string_view service) {
  const char number = static_cast<char>(kind);
  return HashOf({std::string_view(&number, 1), instance, instance.empty() ? service : ""});
}

std::uint64_t GroupKey(std::uint64_t family, std::string_view operation, bool error,
                       std::string_view peer) {
  const std::string_view bytes(reinterpret_cast<const char*>(&family), sizeof family);
  return HashOf({bytes, operation, error ? "!" : "", peer});
}

std::uint64_t StreamKey(std::uint64_t family, std::uint64_t stream) {
  const std::uint64_t both[] = {family, stream};
  return Hash64(std::string_view(reinterpret_cast<const char*>(both), sizeof both));
}

// The bucket as the agent's histogram has it: seconds, upper bounds inclusive.
std::uint16_t BucketFor(std::uint64_t duration_ns, const std::vector<double>& bounds) {
  const double seconds = static_cast<double>(duration_ns) * 1e-9;
  return static_cast<std::uint16_t>(std::lower_bound(bounds.begin(), bounds.end(), seconds) -
                                    bounds.begin());
}

// Those of agents: what holds of spans before the first point.
const std::vector<double>& UsualBounds() {
  static const std::vector<double> kBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                              0.5,   0.75, 1,     2.5,  5,     7.5, 10};
  return kBounds;
}

std::uint64_t* Find(BucketCounts& counts, std::uint16_t bucket) {
  const auto at = std::lower_bound(
      counts.begin(), counts.end(), bucket,
      [](const auto& entry, std::uint16_t wanted) { return entry.first < wanted; });
  return at == counts.end() || at->first != bucket ? nullptr : &at->second;
}

void AddOne(BucketCounts& counts, std::uint16_t bucket) {
  if (std::uint64_t* count = Find(counts, bucket)) {
    ++*count;
    return;
  }
  counts.emplace_back(bucket, 1);
  std::sort(counts.begin(), counts.end());
}

std::uint64_t SumOf(const BucketCounts& counts) {
  std::uint64_t sum = 0;
  for (const auto& [bucket, count] : counts) sum += count;
  return sum;
}

// What is in `now` and was not in `before`. Buckets of an exponential histogram move when its scale
// changes: then single differences are wrong, and their sum, which is right, is kept.
BucketCounts Difference(const BucketCounts& now, const BucketCounts& before) {
  const std::uint64_t sum_now = SumOf(now);
  const std::uint64_t sum_before = SumOf(before);
  if (sum_now <= sum_before) return {};
  std::uint64_t left = sum_now - sum_before;
  BucketCounts grown;
  auto old = before.begin();
  for (const auto& [bucket, count] : now) {
    while (old != before.end() && old->first < bucket) ++old;
    const std::uint64_t had = old != before.end() && old->first == bucket ? old->second : 0;
    const std::uint64_t more = std::min(count > had ? count - had : 0, left);
    if (more > 0) grown.emplace_back(bucket, more);
    left -= more;
  }
  return grown;
}

// Takes from both what is in both.
bool Confirm(BucketCounts& unconfirmed, bool exponential, BucketCounts& counted) {
  bool changed = false;
  for (auto& [bucket, count] : counted) {
    std::uint64_t* waiting = Find(unconfirmed, exponential ? std::uint16_t{0} : bucket);
    if (waiting == nullptr) continue;
    const std::uint64_t both = std::min(*waiting, count);
    *waiting -= both;
    count -= both;
    changed |= both > 0;
  }
  std::erase_if(unconfirmed, [](const auto& entry) { return entry.second == 0; });
  std::erase_if(counted, [](const auto& entry) { return entry.second == 0; });
  return changed;
}

std::uint64_t ToNs(double seconds) {
  return seconds >= 1.8e10 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(seconds * 1e9);
}

rates::Durations DurationsOf(const BucketCounts& counts, const RedFamily& family,
                             const rates::Durations& like) {
  rates::Durations durations;
  for (const auto& [bucket, count] : counts) {
    if (family.exponential) {
      durations.Add(bucket, count);
      continue;
    }
    const std::uint64_t lower_ns = bucket == 0 ? 0 : ToNs(family.bounds[bucket - 1]);
    const std::uint64_t upper_ns = bucket < family.bounds.size() ? ToNs(family.bounds[bucket])
                                   : lower_ns == 0               ? kNsPerS
                                                                 : 2 * lower_ns;
    Distribute(lower_ns, std::max(upper_ns, lower_ns), count, like, durations);
  }
  return durations;
}

rates::Durations Halved(const rates::Durations& durations) {
  rates::Durations half;
  for (const auto& entry : durations.entries()) {
    if (entry.count > 1) half.Add(entry.bucket, entry.count / 2);
  }
  return half;
}

}  // namespace

void RedLedger::Begin(std::uint64_t now_ns) {
  if (since_ns_ != 0) return;
  since_ns_ = now_ns - std::min(now_ns - 1, kSlackNs);
  since_changed_ = true;
}

RedLedger::Family* RedLedger::FamilyFor(std::uint64_t key, std::uint64_t now_ns) {
  const auto found = families_.find(key);
  if (found == families_.end() && families_.size() >= limits_.families) return nullptr;
  Family& family = found != families_.end() ? found->second : families_[key];
  family.heard_ns = now_ns;
  return &family;
}

RedLedger::Group* RedLedger::GroupFor(std::uint64_t key, std::uint64_t family,
                                      std::uint64_t now_ns) {
  const auto found = groups_.find(key);
  if (found == groups_.end() && groups_.size() >= limits_.groups) return nullptr;
  Group& group = found != groups_.end() ? found->second : groups_[key];
  group.family = family;
  group.heard_ns = now_ns;
  return &group;
}

bool RedLedger::CountSpan(const RedSpan& span, std::uint64_t received_ns) {
  const std::uint64_t family_key = FamilyKey(span.kind, span.instance, span.service);
  const Family* family = FamilyFor(family_key, received_ns);
  if (family == nullptr) return true;
  Group* group = GroupFor(GroupKey(family_key, span.operation, span.error, span.peer), family_key,
                          received_ns);
  if (group != nullptr) {
    group->spans.Add(rates::Durations::BucketOf(span.duration_ns));
    if (group->spans.count() > kKeptSpans) group->spans = Halved(group->spans);
  }
  if (span.end_ns <= family->told_ns) {
    ++counts_.confirmed;
    return false;
  }
  if (group == nullptr) return true;
  const bool known = family->told_ns > 0;
  AddOne(group->unconfirmed,
         family->exponential ? std::uint16_t{0}
                             : BucketFor(span.duration_ns, known ? family->bounds : UsualBounds()));
  group->changed = true;
  return true;
}

// A histogram with other buckets than before: what waits waits in the first of them.
void RedLedger::Rebase(std::uint64_t key, Family& known, const RedFamily& said) {
  const bool same = known.told_ns == 0
                        ? !said.exponential && said.bounds == UsualBounds()
                        : said.exponential == known.exponential && said.bounds == known.bounds;
  known.bounds = said.bounds;
  known.exponential = said.exponential;
  if (same) return;
  for (auto& [group_key, group] : groups_) {
    if (group.family != key || group.unconfirmed.empty()) continue;
    group.unconfirmed = {{std::uint16_t{0}, SumOf(group.unconfirmed)}};
    group.changed = true;
  }
}

RedLedger::Growth RedLedger::Grow(std::uint64_t family, const RedPoint& point,
                                  std::uint64_t received_ns) {
  if (point.time_ns > received_ns + kHourNs) {
    ++counts_.future;
    return {};
  }
  const std::uint64_t key = StreamKey(family, point.stream);
  auto found = streams_.find(key);
  const bool known = found != streams_.end();
  if (!known) {
    if (streams_.size() >= limits_.streams) {
      ++counts_.full;
      return {};
    }
    found = streams_.try_emplace(key).first;
  }
  Stream& stream = found->second;
  stream.heard_ns = received_ns;
  stream.changed = true;
  const bool again =
      known && (point.time_ns <= stream.time_ns ||
                (point.delta ? point.start_ns < stream.time_ns : point.start_ns < stream.start_ns));
  if (again) {
    ++counts_.late;
    return {};
  }
  const bool old =
      !known && (point.start_ns < since_ns_ || point.start_ns + kDayNs < point.time_ns);
  const bool goes_on = known && !point.delta && point.start_ns == stream.start_ns &&
                       SumOf(point.counts) >= SumOf(stream.counts);
  Growth growth{.kind = Growth::Kind::kGrows, .from_ns = point.start_ns};
  if (goes_on) {
    growth.from_ns = stream.time_ns;
    growth.counted = Difference(point.counts, stream.counts);
  } else if (old && !point.delta) {
    ++counts_.before;
    growth.kind = Growth::Kind::kBegins;
  } else {
    growth.counted = point.counts;
  }
  stream.start_ns = point.start_ns;
  stream.time_ns = point.time_ns;
  if (!point.delta) stream.counts = point.counts;
  if (growth.kind == Growth::Kind::kGrows) ++counts_.taken;
  return growth;
}

void RedLedger::ConfirmAny(std::uint64_t family, bool exponential, BucketCounts& counted) {
  for (auto& [key, group] : groups_) {
    if (counted.empty()) return;
    if (group.family != family) continue;
    group.changed |= Confirm(group.unconfirmed, exponential, counted);
  }
}

void RedLedger::TakeFamily(const RedFamily& said, std::uint64_t received_ns,
                           const std::function<void(const Residual& residual)>& visit) {
  const std::uint64_t key = FamilyKey(said.kind, said.instance, said.service);
  Family* family = FamilyFor(key, received_ns);
  if (family == nullptr) {
    counts_.full += said.points.size();
    return;
  }
  family->changed = true;
  if (family->told_ns == 0 || family->bounds != said.bounds ||
      family->exponential != said.exponential) {
    Rebase(key, *family, said);
  }
  const bool first = family->told_ns == 0;
  const auto take = [&](const RedPoint& point, bool overflow) {
    Growth growth = Grow(key, point, received_ns);
    Group* group =
        GroupFor(GroupKey(key, point.operation, point.error, point.peer), key, received_ns);
    if (growth.kind == Growth::Kind::kNone) return;
    family->told_ns = std::max(family->told_ns, point.time_ns);
    if (growth.kind == Growth::Kind::kBegins) {
      // Spans that are in it were counted; they wait for nothing.
      if (first && group != nullptr) {
        group->changed |= !group->unconfirmed.empty();
        group->unconfirmed.clear();
      }
      return;
    }
    if (group != nullptr) {
      group->changed |= Confirm(group->unconfirmed, said.exponential, growth.counted);
    }
    if (overflow) ConfirmAny(key, said.exponential, growth.counted);
    if (growth.counted.empty()) return;
    const rates::Durations none;
    visit({.service = said.service,
           .kind = said.kind,
           .operation = point.operation,
           .error = point.error,
           .peer = point.peer,
           .from_ns = growth.from_ns,
           .to_ns = point.time_ns,
           .durations = DurationsOf(growth.counted, said, group != nullptr ? group->spans : none)});
  };
  // Overflows last: what the others confirm is not theirs.
  for (const bool overflow : {false, true}) {
    for (const RedPoint& point : said.points) {
      if ((point.operation == rates::kOther) == overflow) take(point, overflow);
    }
  }
}

void RedLedger::Take(const std::vector<RedFamily>& families, std::uint64_t received_ns,
                     const std::function<void(const Residual& residual)>& visit) {
  if (received_ns > swept_ns_ + kSweepNs) {
    swept_ns_ = received_ns;
    Forget(received_ns - std::min(received_ns, kDayNs));
  }
  for (const RedFamily& family : families) TakeFamily(family, received_ns, visit);
}

void RedLedger::Forget(std::uint64_t before_ns) {
  const auto old = [&](const auto& entry) { return entry.second.heard_ns < before_ns; };
  absl::erase_if(families_, old);
  absl::erase_if(groups_, old);
  absl::erase_if(streams_, old);
}

std::size_t RedLedger::bytes() const {
  std::size_t sum = families_.capacity() * (sizeof(Family) + 9) +
                    groups_.capacity() * (sizeof(Group) + 9) +
                    streams_.capacity() * (sizeof(Stream) + 9);
  // Some buckets each; counting them all would take long.
  constexpr std::size_t kBuckets = 16 * 10;
  sum += (families_.size() + 2 * groups_.size() + streams_.size()) * kBuckets;
  return sum;
}

}  // namespace wirespan::gateway::store::red
