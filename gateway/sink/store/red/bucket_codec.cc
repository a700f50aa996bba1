#include "gateway/sink/store/red/bucket_codec.h"

#include <bit>
#include <cmath>

#include "common/otlp/wire.h"
#include "gateway/sink/store/rates/durations.h"

namespace wirespan::gateway::store::red {

std::string BucketBytes(const BucketCounts& counts) {
  std::string bytes;
  std::uint16_t last = 0;
  for (const auto& [bucket, count] : counts) {
    otlp::AppendVarint(bytes, static_cast<std::uint64_t>(bucket - last));
    otlp::AppendVarint(bytes, count);
    last = bucket;
  }
  return bytes;
}

bool ReadBuckets(std::string_view bytes, BucketCounts& counts) {
  std::uint64_t bucket = 0;
  std::uint64_t sum = 0;
  while (!bytes.empty()) {
    std::uint64_t step = 0;
    std::uint64_t count = 0;
    if (!otlp::ReadVarint(bytes, step) || !otlp::ReadVarint(bytes, count)) return false;
    if (step > rates::Durations::kLastBucket - bucket || (step == 0 && !counts.empty()) ||
        count == 0 || __builtin_add_overflow(sum, count, &sum)) {
      return false;
    }
    bucket += step;
    counts.emplace_back(static_cast<std::uint16_t>(bucket), count);
  }
  return true;
}

std::string BoundsBytes(const std::vector<double>& bounds) {
  std::string bytes;
  for (const double bound : bounds) {
    const auto bits = std::bit_cast<std::uint64_t>(bound);
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(bits >> (8 * i)));
  }
  return bytes;
}

bool ReadBounds(std::string_view bytes, std::vector<double>& bounds) {
  if (bytes.size() % 8 != 0 || bytes.size() / 8 > rates::Durations::kLastBucket) return false;
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t bits = 0;
    for (std::size_t i = 8; i-- > 0;) {
      bits = bits << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    const auto bound = std::bit_cast<double>(bits);
    if (!std::isfinite(bound) || bound < 0 || (!bounds.empty() && bound <= bounds.back())) {
      return false;
    }
    bounds.push_back(bound);
  }
  return true;
}

}  // namespace wirespan::gateway::store::red
