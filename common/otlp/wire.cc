#include "common/otlp/wire.h"

#include <algorithm>
#include <utility>

namespace wirespan::otlp {
namespace {

constexpr std::uint32_t kMaxFieldNumber = (1u << 29) - 1;
constexpr int kMaxGroupDepth = 32;

enum RawType : unsigned {
  kRawVarint,
  kRawFixed64,
  kRawBytes,
  kRawStartGroup,
  kRawEndGroup,
  kRawFixed32
};

struct Tag {
  std::uint32_t number = 0;
  unsigned type = 0;
};

bool ReadTag(std::string_view& input, Tag& tag) {
  std::uint64_t raw = 0;
  if (!ReadVarint(input, raw)) return false;
  const std::uint64_t number = raw >> 3;
  if (number == 0 || number > kMaxFieldNumber) return false;
  tag = {static_cast<std::uint32_t>(number), static_cast<unsigned>(raw & 7)};
  return true;
}

template <class Unsigned>
bool ReadFixed(std::string_view& input, std::uint64_t& value) {
  if (input.size() < sizeof(Unsigned)) return false;
  Unsigned fixed = 0;
  std::memcpy(&fixed, input.data(), sizeof(fixed));
  input.remove_prefix(sizeof(fixed));
  value = fixed;
  return true;
}

bool ReadBytes(std::string_view& input, std::string_view& bytes) {
  std::uint64_t length = 0;
  if (!ReadVarint(input, length) || length > input.size()) return false;
  bytes = input.substr(0, length);
  input.remove_prefix(length);
  return true;
}

// Skips to the end tag of the group just opened; `content` gets what lies between.
bool ReadGroup(std::string_view& input, std::uint32_t number, std::string_view& content) {
  const char* start = input.data();
  std::uint32_t open[kMaxGroupDepth] = {number};
  int depth = 1;
  while (true) {
    const char* tag_at = input.data();
    Tag tag;
    if (!ReadTag(input, tag)) return false;
    std::uint64_t value = 0;
    std::string_view bytes;
    bool read = true;
    switch (tag.type) {
      case kRawVarint:
        read = ReadVarint(input, value);
        break;
      case kRawFixed64:
        read = ReadFixed<std::uint64_t>(input, value);
        break;
      case kRawFixed32:
        read = ReadFixed<std::uint32_t>(input, value);
        break;
      case kRawBytes:
        read = ReadBytes(input, bytes);
        break;
      case kRawStartGroup:
        if (depth == kMaxGroupDepth) return false;
        open[depth++] = tag.number;
        break;
      case kRawEndGroup:
        if (open[--depth] != tag.number) return false;
        if (depth == 0) {
          content = {start, static_cast<std::size_t>(tag_at - start)};
          return true;
        }
        break;
      default:
        return false;
    }
    if (!read) return false;
  }
}

}  // namespace

bool ReadVarint(std::string_view& input, std::uint64_t& value) {
  value = 0;
  const std::size_t limit = std::min<std::size_t>(input.size(), 10);
  for (std::size_t i = 0; i < limit; ++i) {
    const auto byte = static_cast<std::uint8_t>(input[i]);
    // The tenth byte carries bit 63 alone; what lies above is dropped, as every protobuf
    // implementation does.
    value |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      input.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool Reader::NextOfAnyKind(Field& field) {
  if (rest_.empty()) return false;
  const char* start = rest_.data();
  Tag tag;
  bool read = ReadTag(rest_, tag);
  if (read) {
    field.number = tag.number;
    field.value = 0;
    field.bytes = {};
    switch (tag.type) {
      case kRawVarint:
        field.type = WireType::kVarint;
        read = ReadVarint(rest_, field.value);
        break;
      case kRawFixed64:
        field.type = WireType::kFixed64;
        read = ReadFixed<std::uint64_t>(rest_, field.value);
        break;
      case kRawFixed32:
        field.type = WireType::kFixed32;
        read = ReadFixed<std::uint32_t>(rest_, field.value);
        break;
      case kRawBytes:
        field.type = WireType::kBytes;
        read = ReadBytes(rest_, field.bytes);
        break;
      case kRawStartGroup:
        field.type = WireType::kGroup;
        read = ReadGroup(rest_, tag.number, field.bytes);
        break;
      default:
        read = false;
    }
  }
  if (!read) {
    ok_ = false;
    rest_ = {};
    return false;
  }
  field.encoded = {start, static_cast<std::size_t>(rest_.data() - start)};
  return true;
}

void AppendVarint(std::string& out, std::uint64_t value) {
  char bytes[Writer::kMaxVarint];
  out.append(bytes, static_cast<std::size_t>(Writer::PutVarint(bytes, value) - bytes));
}

void AppendTag(std::string& out, std::uint32_t number, WireType type) {
  AppendVarint(out, (std::uint64_t{number} << 3) | static_cast<std::uint64_t>(type));
}

void AppendVarintField(std::string& out, std::uint32_t number, std::uint64_t value) {
  AppendTag(out, number, WireType::kVarint);
  AppendVarint(out, value);
}

void AppendFixed64Field(std::string& out, std::uint32_t number, std::uint64_t value) {
  AppendTag(out, number, WireType::kFixed64);
  char bytes[8];
  Writer::PutFixed(bytes, value);
  out.append(bytes, sizeof(bytes));
}

void AppendDoubleField(std::string& out, std::uint32_t number, double value) {
  AppendFixed64Field(out, number, std::bit_cast<std::uint64_t>(value));
}

void AppendBytesField(std::string& out, std::uint32_t number, std::string_view value) {
  AppendTag(out, number, WireType::kBytes);
  AppendVarint(out, value.size());
  out.append(value);
}

std::string Writer::Take() {
  storage_.resize(size_);
  size_ = 0;
  return std::exchange(storage_, {});
}

void Writer::Grow(std::size_t bytes) {
  const std::size_t wanted = size_ + bytes;
  storage_.resize(std::max<std::size_t>({wanted, storage_.size() + storage_.size() / 2, 1024}));
}

void Writer::MoveBody(std::size_t from, std::size_t to, std::size_t length) {
  if (to > from) Reserve(to - from);
  std::memmove(storage_.data() + to, storage_.data() + from, length);
  size_ = to + length;
}

}  // namespace wirespan::otlp
