#include "agent/connection/header_draft.h"

namespace wirespan::connection {
namespace {

using hpack::Name;

// A list in so many fields; those after them are cut.
constexpr std::uint8_t kMaxJoined = 4;
constexpr std::size_t kKeepCapacity = 4096;

bool IsPseudo(Name name) { return name >= Name::kAuthority && name <= Name::kProtocol; }

}  // namespace

void HeaderDraft::Begin(std::size_t max_bytes) {
  slots_ = {};
  text_.clear();
  if (text_.capacity() > kKeepCapacity) text_.shrink_to_fit();
  max_bytes_ = max_bytes;
  any_ = plain_first_ = names_unknown_ = values_unknown_ = cut_ = full_ = false;
}

void HeaderDraft::OnField(const hpack::Field& field) {
  if (!any_) plain_first_ = field.name_known && !IsPseudo(field.name);
  any_ = true;
  if (!field.name_known) {
    names_unknown_ = true;
    return;
  }
  if (field.name == Name::kOther) return;
  Slot& slot = slots_[static_cast<std::size_t>(field.name)];
  if (!field.value_known) {
    values_unknown_ = true;
    slot.seen = true;
    return;
  }
  if (!slot.seen) {
    Keep(slot, field.value);
  } else if (field.name == Name::kTracestate) {
    Join(slot, field.value);
  } else if (field.name == Name::kTraceparent && field.value != Get(Name::kTraceparent)) {
    slot.size = 0;  // none of them is valid
  }
}

void HeaderDraft::Keep(Slot& slot, std::string_view value) {
  slot.seen = true;
  if (text_.size() + value.size() > max_bytes_) {
    cut_ = full_ = true;
    return;
  }
  slot.at = static_cast<std::uint32_t>(text_.size());
  slot.size = static_cast<std::uint32_t>(value.size());
  text_ += value;
}

void HeaderDraft::Join(Slot& slot, std::string_view value) {
  if (slot.parts == kMaxJoined || text_.size() + slot.size + 1 + value.size() > max_bytes_) {
    cut_ = full_ = true;
    return;
  }
  ++slot.parts;
  const std::size_t at = text_.size();
  text_.append(text_, slot.at, slot.size);
  if (slot.size != 0) text_ += ',';
  text_ += value;
  slot.at = static_cast<std::uint32_t>(at);
  slot.size = static_cast<std::uint32_t>(text_.size() - at);
}

int HeaderDraft::status() const {
  const std::string_view text = Get(Name::kStatus);
  if (text.size() != 3) return 0;
  int status = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status < 100 ? 0 : status;
}

}  // namespace wirespan::connection
