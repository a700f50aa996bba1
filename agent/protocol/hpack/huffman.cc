#include "agent/protocol/hpack/huffman.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace wirespan::hpack {
namespace {

constexpr std::size_t kSymbols = 257;
constexpr std::uint16_t kEndOfString = 256;
constexpr unsigned kLongest = 30;
constexpr unsigned kFastBits = 10;

// Bits of each symbol's code. The code is canonical: codes of one length are consecutive in the
// order of their symbols, and each length goes on where the shorter one stopped, so lengths are all
// it takes.
constexpr std::array<std::uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,
    7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30};

struct Table {
  // By the next kFastBits bits: symbol << 8 | length; 0: the code is longer.
  std::array<std::uint16_t, 1u << kFastBits> fast{};
  // By length: the first code behind this length's codes, moved to the top of 32 bits; the first
  // code; and where its symbols begin in `order`.
  std::array<std::uint64_t, kLongest + 1> limit{};
  std::array<std::uint32_t, kLongest + 1> first{};
  std::array<std::uint16_t, kLongest + 1> start{};
  std::array<std::uint16_t, kSymbols> order{};
};

constexpr Table MakeTable() {
  Table table{};
  std::uint32_t code = 0;
  std::size_t index = 0;
  for (unsigned length = 1; length <= kLongest; ++length) {
    code <<= 1;
    table.first[length] = code;
    table.start[length] = static_cast<std::uint16_t>(index);
    for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] != length) continue;
      table.order[index++] = static_cast<std::uint16_t>(symbol);
      if (length <= kFastBits) {
        const std::uint32_t from = code << (kFastBits - length);
        for (std::uint32_t i = 0; i < 1u << (kFastBits - length); ++i) {
          table.fast[from + i] = static_cast<std::uint16_t>(symbol << 8 | length);
        }
      }
      ++code;
    }
    table.limit[length] = static_cast<std::uint64_t>(code) << (32 - length);
  }
  return table;
}

constexpr Table kTable = MakeTable();
static_assert(kTable.limit[kLongest] == 1ull << 32, "the code is complete");

}  // namespace

bool DecodeHuffman(std::string_view input, std::string& out) {
  out.resize(input.size() * 8 / 5);
  char* to = out.data();
  std::uint64_t bits = 0;  // the next ones, at the top
  unsigned count = 0;
  std::size_t pos = 0;
  for (;;) {
    while (count <= 56 && pos < input.size()) {
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(input[pos++])) << (56 - count);
      count += 8;
    }
    if (count < 5) break;
    unsigned length = 0;
    std::uint16_t symbol = 0;
    const std::uint16_t entry = kTable.fast[bits >> (64 - kFastBits)];
    if (entry != 0) {
      length = entry & 0xff;
      symbol = entry >> 8;
    } else {
      const auto top = static_cast<std::uint32_t>(bits >> 32);
      length = kFastBits + 1;
      while (top >= kTable.limit[length]) ++length;
      symbol = kTable.order[kTable.start[length] + (top >> (32 - length)) - kTable.first[length]];
    }
    if (length > count) break;
    if (symbol == kEndOfString) return false;
    *to++ = static_cast<char>(symbol);
    bits <<= length;
    count -= length;
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  // What is left is the padding: the start of the code of ones.
  return count < 8 && (count == 0 || bits >> (64 - count) == (1ull << count) - 1);
}

}  // namespace wirespan::hpack
