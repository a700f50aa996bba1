#include "gateway/pipeline/metadata.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/hash.h"

namespace wirespan::gateway {

namespace {

void LowerCase(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

// Lengths stand in front, so that "a", "bc" and "ab", "c" differ.
void Mix(std::string& bytes, std::string_view text) {
  bytes += std::to_string(text.size());
  bytes += ':';
  bytes += text;
}

}  // namespace

Metadata::Metadata(std::vector<Entry> entries) {
  for (Entry& entry : entries) LowerCase(entry.key);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  for (Entry& entry : entries) {
    if (!entries_.empty() && entries_.back().key == entry.key) {
      std::move(entry.values.begin(), entry.values.end(),
                std::back_inserter(entries_.back().values));
    } else {
      entries_.push_back(std::move(entry));
    }
  }
  std::string bytes;
  for (const Entry& entry : entries_) {
    size_ += entry.key.size();
    for (const std::string& value : entry.values) size_ += value.size();
    Mix(bytes, entry.key);
    bytes += std::to_string(entry.values.size());
    bytes += '=';
    for (const std::string& value : entry.values) Mix(bytes, value);
  }
  hash_ = Hash64(bytes);
}

const std::vector<std::string>* Metadata::Find(std::string_view key) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), key,
      [](const Entry& entry, std::string_view wanted) { return entry.key < wanted; });
  return found != entries_.end() && found->key == key ? &found->values : nullptr;
}

Metadata Metadata::Select(const std::vector<std::string>& keys) const {
  std::vector<Entry> chosen;
  for (const Entry& entry : entries_) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) chosen.push_back(entry);
  }
  return Metadata(std::move(chosen));
}

std::shared_ptr<const Metadata> Narrowed(const std::shared_ptr<const Metadata>& metadata,
                                         const std::vector<std::string>& keys) {
  if (metadata == nullptr || keys.empty()) return nullptr;
  Metadata chosen = metadata->Select(keys);
  if (chosen.entries().empty()) return nullptr;
  if (chosen.entries().size() == metadata->entries().size()) return metadata;
  return std::make_shared<const Metadata>(std::move(chosen));
}

bool SameMetadata(const std::shared_ptr<const Metadata>& a,
                  const std::shared_ptr<const Metadata>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

std::string MetadataKeyOf(std::string_view from_context) {
  std::string key(from_context);
  LowerCase(key);
  constexpr std::string_view kHeader = "metadata.";
  constexpr std::string_view kAuth = "auth.";
  if (key == "client.address") return std::string(kPeerKey);
  if (key.starts_with(kHeader)) return key.substr(kHeader.size());
  if (key.starts_with(kAuth)) return std::string(kAuthPrefix) + key.substr(kAuth.size());
  return key;
}

}  // namespace wirespan::gateway
