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

  // Bytes of keys and values.
  std::size_t size() const { return size_; }
  // Of keys and values, each with its length: equal metadata, equal hashes.
  std::size_t hash() const { return hash_; }
  friend bool operator==(const Metadata& a, const Metadata& b) {
    return a.hash_ == b.hash_ && a.entries_ == b.entries_;
  }

 private:
  std::vector<Entry> entries_;
  std::size_t hash_ = 0;
  std::size_t size_ = 0;
};

// Null: none of the keys is in it, or it was null.
std::shared_ptr<const Metadata> Narrowed(const std::shared_ptr<const Metadata>& metadata,
                                         const std::vector<std::string>& keys);
// Both absent, or equal.
bool SameMetadata(const std::shared_ptr<const Metadata>& a,
                  const std::shared_ptr<const Metadata>& b);

// The key of metadata that a `from_context` of the configuration means: "metadata.x-tenant" and
// "x-tenant" are a header, "auth.username" is what the receiver's authenticator found out,
// "client.address" is the sender's.
std::string MetadataKeyOf(std::string_view from_context);
// What stands before an authenticator's attribute in a key of metadata. No header's name can begin
// like that, so no sender can pretend.
inline constexpr std::string_view kAuthPrefix = ":auth.";
// The IP address that a request came from. Kept without include_metadata: it is no header.
inline constexpr std::string_view kPeerKey = ":peer.address";

}  // namespace wirespan::gateway
