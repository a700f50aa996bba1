#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::gateway {

// What a request's transport said beside its body (headers, the connection), as far as the
// configuration asks for it: include_metadata, from_context, metadata_keys. Immutable once made,
// shared by every batch of the request. Keys are lower case and sorted; a header that came several
// times has several values, in order.
class Metadata {
 public:
  struct Entry {
    std::string key{};
    std::vector<std::string> values{};
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // Keys are made lower case; entries of one key are joined.
  explicit Metadata(std::vector<Entry> entries);

  // Null: there is no such key. `key` in lower case.
  const std::vector<std::string>* Find(std::string_view key) const;
  const std::vector<Entry>& entries() const { return entries_; }

  // Only these keys (lower case); what a batch of one tenant may keep of its requests.
  Metadata Select(const std::vector<std::string>& keys) const;

  // Of keys and values, each with its length: equal metadata, equal hashes.
  std::size_t hash() const { return hash_; }
  friend bool operator==(const Metadata& a, const Metadata& b) {
    return a.hash_ == b.hash_ && a.entries_ == b.entries_;
  }

 private:
  std::vector<Entry> entries_;
  std::size_t hash_ = 0;
};

}  // namespace wirespan::gateway
