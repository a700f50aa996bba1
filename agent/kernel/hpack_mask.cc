#include "agent/kernel/hpack_mask.h"

#include <array>
#include <string_view>

namespace wirespan::kernel {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kStaticEntries = 61;
constexpr char kHuffmanX = '\xfc';  // 'X', one of the few whose code is an octet

// Authorization, cookie, proxy-authorization, set-cookie: RFC 7541, appendix A.
constexpr std::array<std::uint64_t, 4> kSecretStatic = {23, 32, 49, 55};
constexpr std::array<std::string_view, 4> kSecretNames = {"authorization"sv, "cookie"sv,
                                                          "proxy-authorization"sv, "set-cookie"sv};
// The same in Huffman code (appendix B), padded with ones; there is no other way to write them.
constexpr std::array<std::string_view, 4> kSecretCodes = {
    "\x1d\xa9\x9c\xf6\x1b\xd8\xd2\x63\xd5"sv, "\x21\xcf\xd4\xc5"sv,
    "\xae\xc3\xf9\xf4\xb0\xed\x4c\xe7\xb0\xde\xc6\x93\x1e\xaf"sv, "\x41\x52\xb1\x0e\x7e\xa6\x2f"sv};

bool IsSecretName(std::string_view name, bool huffman) {
  for (const std::string_view secret : huffman ? kSecretCodes : kSecretNames) {
    if (name == secret) return true;
  }
  return false;
}

}  // namespace

void HpackMask::BeginBlock() { state_ = State::kRepresentation; }

void HpackMask::Lose() {
  table_.clear();
  state_ = State::kBlind;
}

void HpackMask::Apply(std::span<char> bytes) {
  for (char& c : bytes) Take(c);
}

void HpackMask::Take(char& c) {
  const auto octet = static_cast<unsigned char>(c);
  switch (state_) {
    case State::kRepresentation:
      BeginRepresentation(octet);
      break;
    case State::kIndex:
      if (Continue(octet)) state_ = State::kRepresentation;
      break;
    case State::kNameIndex:
      if (!Continue(octet)) break;
      secret_ = IsSecretIndex(integer_);
      BeginValue();
      break;
    case State::kNameLength:
    case State::kValueLength: {
      const bool is_name = state_ == State::kNameLength;
      huffman_ = (octet & 0x80) != 0;
      integer_ = octet & 0x7f;
      shift_ = 0;
      if (integer_ == 0x7f) {
        state_ = is_name ? State::kNameLengthRest : State::kValueLengthRest;
        break;
      }
      left_ = integer_;
      state_ = is_name ? State::kName : State::kValue;
      if (left_ == 0) is_name ? BeginValue() : EndField();
      break;
    }
    case State::kNameLengthRest:
    case State::kValueLengthRest:
      if (!Continue(octet)) break;
      left_ = integer_;
      state_ = state_ == State::kNameLengthRest ? State::kName : State::kValue;
      break;
    case State::kName:
      if (name_.size() < kMaxNameBytes) name_.push_back(c);
      if (--left_ > 0) break;
      secret_ = IsSecretName(name_, huffman_);
      BeginValue();
      break;
    case State::kValue:
      --left_;
      if (secret_) c = huffman_ ? kHuffmanX : 'x';
      if (left_ == 0) EndField();
      break;
    case State::kBlind:
      c = 'x';
      break;
  }
}

//   1xxxxxxx  indexed
//   01xxxxxx  literal, added to the table
//   001xxxxx  table size
//   000xxxxx  literal, not added
void HpackMask::BeginRepresentation(unsigned char c) {
  unsigned mask = 0x0f;
  State next = State::kNameIndex;
  if ((c & 0x80) != 0) {
    mask = 0x7f;
    next = State::kIndex;
  } else if ((c & 0x40) != 0) {
    mask = 0x3f;
  } else if ((c & 0x20) != 0) {
    mask = 0x1f;
    next = State::kIndex;
  }
  adds_ = next == State::kNameIndex && (c & 0x40) != 0;
  integer_ = c & mask;
  shift_ = 0;
  if (integer_ == mask) {
    state_ = next;
  } else if (next == State::kIndex) {
    state_ = State::kRepresentation;
  } else if (integer_ == 0) {
    BeginName();
  } else {
    secret_ = IsSecretIndex(integer_);
    BeginValue();
  }
}

void HpackMask::BeginName() {
  name_.clear();
  state_ = State::kNameLength;
}

void HpackMask::BeginValue() { state_ = State::kValueLength; }

void HpackMask::EndField() {
  if (adds_) {
    table_.push_front(secret_);
    if (table_.size() > kMaxEntries) table_.pop_back();
  }
  state_ = State::kRepresentation;
}

bool HpackMask::Continue(unsigned char c) {
  if (shift_ > 28) {
    Lose();
    return false;
  }
  integer_ += static_cast<std::uint64_t>(c & 0x7f) << shift_;
  shift_ = static_cast<std::uint8_t>(shift_ + 7);
  return (c & 0x80) == 0;
}

// Entries count from the newest one; what lies behind those we saw may be anything.
bool HpackMask::IsSecretIndex(std::uint64_t index) const {
  if (index <= kStaticEntries) {
    for (const std::uint64_t secret : kSecretStatic) {
      if (index == secret) return true;
    }
    return false;
  }
  const std::uint64_t entry = index - kStaticEntries - 1;
  return entry >= table_.size() || table_[entry];
}

}  // namespace wirespan::kernel
