#include "gateway/sink/stored_batch.h"

#include <utility>

namespace wirespan::gateway {

namespace {
constexpr char kMetaVersion = 1;
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
  stored.keep = std::move(keep);
  return stored;
}

bool FromStored(queue::DurableQueue::Record record, Batch& batch) {
  if (record.meta.size() < 3 || record.meta[0] != kMetaVersion) return false;
  const auto signal = static_cast<unsigned char>(record.meta[1]);
  const auto encoding = static_cast<unsigned char>(record.meta[2]);
  if (signal >= kSignals.size() || encoding > 3) return false;
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
