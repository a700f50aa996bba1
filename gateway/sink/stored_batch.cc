#include "gateway/sink/stored_batch.h"

#include <algorithm>
#include <array>
#include <utility>

namespace wirespan::gateway {

namespace {

constexpr char kMetaVersion = 1;
constexpr std::size_t kMaxMetadata = 32u << 10;  // of meta's 64 KiB; a tenant's keys are short

void PutText(std::string& out, std::string_view text) {
  const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(text.size(), 0xffff));
  out.push_back(static_cast<char>(length & 0xff));
  out.push_back(static_cast<char>(length >> 8));
  out.append(text.substr(0, length));
}

bool TakeNumber(std::string_view& rest, std::uint16_t& value) {
  if (rest.size() < 2) return false;
  value = static_cast<std::uint16_t>(static_cast<unsigned char>(rest[0]) |
                                     static_cast<unsigned char>(rest[1]) << 8);
  rest.remove_prefix(2);
  return true;
}

bool TakeText(std::string_view& rest, std::string& text) {
  std::uint16_t length = 0;
  if (!TakeNumber(rest, length) || rest.size() < length) return false;
  text = rest.substr(0, length);
  rest.remove_prefix(length);
  return true;
}

void PutMetadata(std::string& out, const Metadata* metadata) {
  std::string text;
  std::uint16_t pairs = 0;
  if (metadata != nullptr) {
    for (const Metadata::Entry& entry : metadata->entries()) {
      if (IsCredential(entry.key)) continue;
      for (const std::string& value : entry.values) {
        if (text.size() + entry.key.size() + value.size() > kMaxMetadata) break;
        PutText(text, entry.key);
        PutText(text, value);
        ++pairs;
      }
    }
  }
  out.push_back(static_cast<char>(pairs & 0xff));
  out.push_back(static_cast<char>(pairs >> 8));
  out += text;
}

bool TakeMetadata(std::string_view rest, std::shared_ptr<const Metadata>& metadata) {
  std::uint16_t pairs = 0;
  if (!TakeNumber(rest, pairs)) return false;
  std::vector<Metadata::Entry> entries;
  for (; pairs > 0; --pairs) {
    std::string key;
    std::string value;
    if (!TakeText(rest, key) || !TakeText(rest, value)) return false;
    entries.push_back({std::move(key), {std::move(value)}});
  }
  if (!entries.empty()) metadata = std::make_shared<const Metadata>(std::move(entries));
  return true;
}

}  // namespace

bool IsCredential(std::string_view key) {
  constexpr std::array<std::string_view, 6> kNames = {
      "authorization", "proxy-authorization", "cookie", "set-cookie", "api-key", "x-api-key"};
  constexpr std::array<std::string_view, 4> kParts = {"token", "secret", "password", "apikey"};
  const auto holds = [&](std::string_view part) {
    return key.find(part) != std::string_view::npos;
  };
  return std::find(kNames.begin(), kNames.end(), key) != kNames.end() ||
         std::any_of(kParts.begin(), kParts.end(), holds);
}

StoredForm ToStored(const Batch& batch) {
  StoredForm stored;
  auto keep = std::make_shared<Bytes>(batch.bytes);
  const otlp::Encoding encoding = keep->received().encoding;
  if (encoding != otlp::Encoding::kIdentity) {
    keep->DropPlain();
    stored.payload.push_back(keep->received().piece.view);
  } else {
    for (const Bytes::Piece& piece : keep->pieces()) stored.payload.push_back(piece.view);
  }
  stored.meta = {kMetaVersion, static_cast<char>(batch.signal), static_cast<char>(encoding)};
  PutText(stored.meta, batch.lane != nullptr ? batch.lane->pipeline() : std::string_view{});
  PutMetadata(stored.meta, batch.metadata.get());
  stored.keep = std::move(keep);
  return stored;
}

bool FromStored(queue::DurableQueue::Record record, Batch& batch, std::string& pipeline) {
  if (record.meta.size() < 3 || record.meta[0] != kMetaVersion) return false;
  const auto signal = static_cast<unsigned char>(record.meta[1]);
  const auto encoding = static_cast<unsigned char>(record.meta[2]);
  std::string_view rest = std::string_view(record.meta).substr(3);
  if (signal >= kSignals.size() || encoding > 3) return false;
  if (!TakeText(rest, pipeline) || !TakeMetadata(rest, batch.metadata)) return false;
  batch.signal = static_cast<Signal>(signal);
  batch.items = record.items;
  if (record.kept) {
    batch.bytes = *static_cast<const Bytes*>(record.kept.get());
    return true;
  }
  if (encoding == 0) {
    batch.bytes = Bytes(std::move(record.payload));
    return true;
  }
  auto owner = std::make_shared<const std::string>(std::move(record.payload));
  const std::string_view view = *owner;
  batch.bytes.SetReceived(static_cast<otlp::Encoding>(encoding), std::move(owner), view);
  return true;
}

}  // namespace wirespan::gateway
