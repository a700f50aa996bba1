#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/protocol/hpack/decoder.h"

namespace wirespan::connection {

// The fields of one HTTP/2 header block that exchanges need, copied while the block is read.
// Bounded by the bytes it may keep.
class HeaderDraft final : public hpack::FieldSink {
 public:
  void Begin(std::size_t max_bytes);
  void OnField(const hpack::Field& field) override;
  // The block is longer than may be kept, or a part of it was missed: fields may be missing.
  void Cut() { cut_ = true; }

  // Its value; empty if it is absent or not known. Views hold until the next field.
  std::string_view Get(hpack::Name name) const {
    const Slot& slot = At(name);
    return std::string_view(text_).substr(slot.at, slot.size);
  }
  // The field is there, whether its value is known or not.
  bool Has(hpack::Name name) const { return At(name).seen; }
  // It is not there, and none of those that could not be read is it.
  bool Lacks(hpack::Name name) const { return !Has(name) && !names_unknown_ && !cut_; }

  bool empty() const { return !any_; }
  bool cut() const { return cut_; }
  // ... because there was no room for them.
  bool full() const { return full_; }
  // Something of it stands for what only the encoder knows.
  bool unknown() const { return names_unknown_ || values_unknown_; }
  bool has_request_pseudo() const {
    return Has(hpack::Name::kMethod) || Has(hpack::Name::kPath) || Has(hpack::Name::kScheme) ||
           Has(hpack::Name::kAuthority) || Has(hpack::Name::kProtocol);
  }
  // Pseudo fields come first (RFC 9113, 8.3): it has none for certain.
  bool without_pseudo() const { return plain_first_; }
  // 0: absent, not known or no number.
  int status() const;

 private:
  struct Slot {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    bool seen = false;
    std::uint8_t parts = 1;  // of a list
  };
  const Slot& At(hpack::Name name) const { return slots_[static_cast<std::size_t>(name)]; }
  void Keep(Slot& slot, std::string_view value);
  void Join(Slot& slot, std::string_view value);

  std::array<Slot, hpack::kNames> slots_{};
  std::string text_{};
  std::size_t max_bytes_ = 0;
  bool any_ = false;
  bool plain_first_ = false;
  bool names_unknown_ = false;
  bool values_unknown_ = false;
  bool cut_ = false;
  bool full_ = false;
};

}  // namespace wirespan::connection
