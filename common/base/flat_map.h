#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <functional>
#include <string>

#include "common/base/hash.h"

// The hash tables of hot paths. absl's own string hash and string_view stay out of our interfaces
// (Debian's build has absl::string_view != std::string_view), so string keys name our hash and
// std::equal_to<>.
namespace wirespan {

template <class Key, class Value, class Hash = absl::Hash<Key>>
using FlatMap = absl::flat_hash_map<Key, Value, Hash, std::equal_to<>>;

template <class Key, class Hash = absl::Hash<Key>>
using FlatSet = absl::flat_hash_set<Key, Hash, std::equal_to<>>;

template <class Value>
using StringMap = absl::flat_hash_map<std::string, Value, StringHash, std::equal_to<>>;

using StringSet = absl::flat_hash_set<std::string, StringHash, std::equal_to<>>;

}  // namespace wirespan
