#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "common/base/copy.h"

// Protobuf's wire format, read and written in place. The reader trusts nothing: every length is
// checked against what is left, nothing is allocated, and a malformed byte ends the reading with
// ok() == false. Views point into the input.
namespace wirespan::otlp {

enum class WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroup = 3,  // obsolete, but an unknown field may still be one; skipped whole
  kFixed32 = 5,
};

// One field as it stands in the message.
struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;     // kVarint, kFixed64, kFixed32
  std::string_view bytes{};    // kBytes: the payload; kGroup: its content
  std::string_view encoded{};  // tag, length and payload: copy this to keep the field unchanged

  bool Is(std::uint32_t wanted, WireType wanted_type) const {
    return number == wanted && type == wanted_type;
  }
  double AsDouble() const { return std::bit_cast<double>(value); }
};

// Reads a varint at the front of `input` and removes it; false (input unspecified) if it is cut or
// longer than 10 bytes.
bool ReadVarint(std::string_view& input, std::uint64_t& value);

// Walks the fields of one message:
//
//   Reader reader(message);
//   for (Field field; reader.Next(field);) { ... }
//   if (!reader.ok()) ...  // malformed somewhere after the last field returned
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  bool Next(Field& field) {
    // Most fields of OTLP are short texts and messages: number below 16, fewer than 128 bytes.
    if (rest_.size() >= 2) {
      const auto tag = static_cast<std::uint8_t>(rest_[0]);
      const auto length = static_cast<std::uint8_t>(rest_[1]);
      if ((tag & 0x87) == 2 && tag > 7 && length < 0x80 && length <= rest_.size() - 2) {
        field = {tag / 8u, WireType::kBytes, 0, rest_.substr(2, length),
                 rest_.substr(0, 2u + length)};
        rest_.remove_prefix(2u + length);
        return true;
      }
    }
    return NextOfAnyKind(field);
  }
  bool ok() const { return ok_; }

 private:
  bool NextOfAnyKind(Field& field);

  std::string_view rest_;
  bool ok_ = true;
};

// Appending to a std::string, for messages that are not on a hot path.
void AppendVarint(std::string& out, std::uint64_t value);
void AppendTag(std::string& out, std::uint32_t number, WireType type);
void AppendVarintField(std::string& out, std::uint32_t number, std::uint64_t value);
void AppendFixed64Field(std::string& out, std::uint32_t number, std::uint64_t value);
void AppendDoubleField(std::string& out, std::uint32_t number, double value);
void AppendBytesField(std::string& out, std::uint32_t number, std::string_view value);

constexpr std::size_t VarintSize(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}
constexpr std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

// Appends to a buffer that keeps its memory from message to message. Nested messages are begun and
// ended; the length is filled in at the end and takes the shortest form.
class Writer {
 public:
  Writer() = default;

  std::string_view view() const { return {storage_.data(), size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return storage_.size(); }
  void Clear() { size_ = 0; }
  // Takes back what was appended since size() was this, with no message begun in between open.
  void Truncate(std::size_t size) { size_ = size; }
  // Gives the bytes away; the writer is empty afterwards and owns no memory.
  std::string Take();

  void Varint(std::uint32_t number, std::uint64_t value) {
    char* at = Reserve(2 * kMaxVarint);
    at = PutTag(at, number, WireType::kVarint);
    Commit(PutVarint(at, value));
  }
  void Fixed64(std::uint32_t number, std::uint64_t value) {
    char* at = PutTag(Reserve(kMaxVarint + 8), number, WireType::kFixed64);
    Commit(PutFixed(at, value));
  }
  void Double(std::uint32_t number, double value) {
    Fixed64(number, std::bit_cast<std::uint64_t>(value));
  }
  void Fixed32(std::uint32_t number, std::uint32_t value) {
    char* at = PutTag(Reserve(kMaxVarint + 4), number, WireType::kFixed32);
    Commit(PutFixed(at, value));
  }
  void Bytes(std::uint32_t number, std::string_view value) {
    char* at = Reserve(2 * kMaxVarint + value.size());
    at = PutTag(at, number, WireType::kBytes);
    at = PutVarint(at, value.size());
    Commit(PutRaw(at, value));
  }
  // Bytes that are whole fields already.
  void Raw(std::string_view encoded) { Commit(PutRaw(Reserve(encoded.size()), encoded)); }

  // A nested message, to be ended in reverse order. `expected` is a guess of its length: a right
  // order of magnitude saves moving the bytes at the end.
  struct Mark {
    std::size_t length_at = 0;
    std::uint8_t length_bytes = 1;
  };
  Mark Begin(std::uint32_t number, std::size_t expected = 0) {
    char* at = PutTag(Reserve(2 * kMaxVarint), number, WireType::kBytes);
    Mark mark;
    mark.length_at = static_cast<std::size_t>(at - storage_.data());
    mark.length_bytes = static_cast<std::uint8_t>(VarintSize(expected));
    Commit(at + mark.length_bytes);
    return mark;
  }
  void End(Mark mark) {
    const std::size_t body_at = mark.length_at + mark.length_bytes;
    const std::size_t length = size_ - body_at;
    const std::size_t needed = VarintSize(length);
    if (needed != mark.length_bytes) MoveBody(body_at, mark.length_at + needed, length);
    PutVarint(storage_.data() + mark.length_at, length);
  }

  // For the hottest encoders: at least `bytes` writable bytes, to be filled by the Put functions
  // and committed.
  char* Reserve(std::size_t bytes) {
    if (storage_.size() - size_ < bytes) Grow(bytes);
    return storage_.data() + size_;
  }
  void Commit(const char* end) { size_ = static_cast<std::size_t>(end - storage_.data()); }

  static constexpr std::size_t kMaxVarint = 10;
  static char* PutVarint(char* at, std::uint64_t value) {
    while (value >= 0x80) {
      *at++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<char>(value);
    return at;
  }
  static char* PutTag(char* at, std::uint32_t number, WireType type) {
    return PutVarint(at, (std::uint64_t{number} << 3) | static_cast<std::uint64_t>(type));
  }
  static char* PutRaw(char* at, std::string_view value) { return CopyText(at, value); }
  template <class Unsigned>
  static char* PutFixed(char* at, Unsigned value) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
  }

 private:
  void Grow(std::size_t bytes);
  void MoveBody(std::size_t from, std::size_t to, std::size_t length);

  std::string
      storage_{};  // its size is what is allocated; only the first size_ bytes have been written
  std::size_t size_ = 0;
};

}  // namespace wirespan::otlp
