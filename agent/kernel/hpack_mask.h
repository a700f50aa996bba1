#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>

namespace wirespan::kernel {

// Overwrites the values of Authorization, Proxy-Authorization, Cookie and Set-Cookie in HPACK
// header blocks (RFC 7541) where they are literals: with 'x' in plain text, with the code of 'X' in
// Huffman code. Every length on the wire and every index of the table stays what it was, and no
// value gets longer, so a decoder of the masked block keeps what one of the true block would. An
// index is masked at the place that defines it. The value of a name that we do not know is masked
// too. Takes blocks in pieces of any size; bounded memory.
class HpackMask {
 public:
  void BeginBlock();
  void Apply(std::span<char> bytes);
  // Bytes of a header block were missed: the rest of it is masked as a whole, and names that the
  // table held are unknown.
  void Lose();

 private:
  enum class State : std::uint8_t {
    kRepresentation,
    kIndex,       // the rest of an integer: an indexed header, or a table size
    kNameIndex,   // the same, of the name of a literal
    kNameLength,  // the name's first octet
    kNameLengthRest,
    kName,
    kValueLength,
    kValueLengthRest,
    kValue,
    kBlind,  // not to be understood: everything is masked to the end of the block
  };
  static constexpr std::size_t kMaxEntries = 4096;  // of a table of 128 KiB, empty ones
  static constexpr std::size_t kMaxNameBytes = 24;

  void Take(char& c);
  void BeginRepresentation(unsigned char c);
  void BeginName();
  void BeginValue();
  void EndField();
  bool Continue(unsigned char c);  // an integer; true: it ended
  bool IsSecretIndex(std::uint64_t index) const;

  State state_ = State::kRepresentation;
  bool adds_ = false;     // the literal becomes an entry of the table
  bool huffman_ = false;  // the text at hand
  bool secret_ = false;   // the name at hand
  std::uint8_t shift_ = 0;
  std::uint64_t integer_ = 0;
  std::uint64_t left_ = 0;    // of the text
  std::string name_{};        // as on the wire, to kMaxNameBytes
  std::deque<bool> table_{};  // newest first: whether the entry's name is one of ours
};

}  // namespace wirespan::kernel
