#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/sink/store/red/red_points.h"

namespace wirespan::gateway::store::red {

// Varints: a bucket's number less that of the one before, and its count.
std::string BucketBytes(const BucketCounts& counts);
bool ReadBuckets(std::string_view bytes, BucketCounts& counts);  // false: malformed

// Doubles, little-endian; ascending.
std::string BoundsBytes(const std::vector<double>& bounds);
bool ReadBounds(std::string_view bytes, std::vector<double>& bounds);  // false: malformed

}  // namespace wirespan::gateway::store::red
