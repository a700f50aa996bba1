#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/protocol/hpack/name.h"
#include "agent/protocol/hpack/table.h"
#include "agent/protocol/parse_status.h"

namespace wirespan::hpack {

// One header. Views hold for the call only.
struct Field {
  Name name = Name::kOther;
  bool name_known = true;  // false: an index of which only the encoder knows what it stands for
  bool value_known = true;
  bool never_indexed = false;
  std::string_view name_text{};  // Keep::kAll, or a name of the enumeration
  std::string_view value{};
};

class FieldSink {
 public:
  virtual ~FieldSink() = default;
  virtual void OnField(const Field& field) = 0;
};

// kWanted: fields whose name is known and not in the enumeration are not told, and their values are
// neither decoded nor kept.
enum class Keep : std::uint8_t { kWanted, kAll };

struct Limits {
  // Of the table where its size is not known: the stream was joined late, or header bytes were
  // lost.
  std::size_t unknown_table_bytes = 16u << 10;
  // However large a table the encoder announces.
  std::size_t max_table_bytes = 64u << 10;
  // One representation: name and value as on the wire.
  std::size_t max_field_bytes = 64u << 10;
};

// Room for text that has to be decoded; shared by all decoders of a thread.
struct Scratch {
  std::string name{};
  std::string value{};
};

// Decodes the header blocks of one direction (RFC 7541) even if it did not see all of them: what is
// not known is told as not known, and nothing wrong is told, whatever was missed before (see
// DynamicTable). One thread.
class Decoder {
 public:
  // `from_start`: no header block of this direction came before.
  Decoder(Limits limits, bool from_start, Keep keep = Keep::kWanted);

  struct Result {
    protocol::ParseStatus status = protocol::ParseStatus::kInvalid;
    std::size_t consumed = 0;
  };
  // Takes the whole representations of `bytes`, the next ones of the block. kComplete: all of it.
  // kNeedMore: what is left begins a representation; give it again with what follows. kInvalid: not
  // HPACK, or a representation beyond max_field_bytes; the block is lost: call Lose.
  Result Decode(std::string_view bytes, Scratch& scratch, FieldSink& sink);
  void BeginBlock() { in_block_ = false; }

  // Bytes of a header block were missed: nobody knows how many entries they added.
  void Lose();
  // Whole blocks were missed, and so many entries they added.
  void Miss(std::size_t entries);

  // The other end announced that tables may have this size; an encoder may use it at once.
  void AllowTable(std::size_t bytes);

  const DynamicTable& table() const { return table_; }
  // Takes the table that another decoder had at exactly this point of the stream, and nothing was
  // missed since.
  void Adopt(DynamicTable table);

 private:
  Result DecodeLiteral(std::string_view bytes, bool add, bool never, unsigned prefix,
                       Scratch& scratch, FieldSink& sink);
  bool Indexed(std::uint32_t index, FieldSink& sink);
  void AllowUnknownTable();

  Limits limits_;
  Keep keep_;
  bool in_block_ = false;  // a header was read: no table size may follow
  DynamicTable table_;
};

}  // namespace wirespan::hpack
