#pragma once

#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/kube/pod.h"
#include "common/kube/projection.h"

// How much of an object's texts is kept.
namespace wirespan::kube {

inline constexpr std::size_t kMaxNameBytes = 253;  // Kubernetes' own bound of names
inline constexpr std::size_t kMaxKeyBytes = 320;   // prefix of 253, a slash, a name of 63
inline constexpr std::size_t kMaxValueBytes = 1024;
inline constexpr std::size_t kMaxPairs = 64;

inline std::string Bounded(std::string_view text, std::size_t max_bytes) {
  return std::string(TruncateUtf8(ToUtf8(text), max_bytes));
}

// A label or annotation, unless there are too many.
inline void AddPair(TextPairs& pairs, const Field& field) {
  if (pairs.size() >= kMaxPairs || field.key.size() > kMaxKeyBytes) return;
  pairs.emplace_back(ToUtf8(field.key), Bounded(field.value, kMaxValueBytes));
}

}  // namespace wirespan::kube
