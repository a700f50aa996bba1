#include "agent/protocol/hpack/decoder.h"

#include <algorithm>
#include <utility>

#include "agent/protocol/hpack/huffman.h"
#include "agent/protocol/hpack/static_table.h"

namespace wirespan::hpack {
namespace {

using protocol::ParseStatus;

constexpr std::size_t kDefaultTableBytes = 4096;  // until a size update says otherwise
// No encoder's table holds more entries: 1 MiB of empty ones.
constexpr std::uint32_t kMaxIndex = (1u << 20) / 32 + kStaticEntries;

// An integer with a prefix of `bits` bits (RFC 7541, 5.1) at `pos`, which moves behind it.
ParseStatus TakeInteger(std::string_view bytes, std::size_t& pos, unsigned bits,
                        std::uint32_t& value) {
  if (pos >= bytes.size()) return ParseStatus::kNeedMore;
  const std::uint32_t mask = (1u << bits) - 1;
  value = static_cast<unsigned char>(bytes[pos++]) & mask;
  if (value < mask) return ParseStatus::kComplete;
  for (unsigned shift = 0; shift <= 28; shift += 7) {
    if (pos >= bytes.size()) return ParseStatus::kNeedMore;
    const auto byte = static_cast<unsigned char>(bytes[pos++]);
    const std::uint64_t sum = value + (static_cast<std::uint64_t>(byte & 0x7f) << shift);
    if (sum > UINT32_MAX) return ParseStatus::kInvalid;
    value = static_cast<std::uint32_t>(sum);
    if (byte < 0x80) return ParseStatus::kComplete;
  }
  return ParseStatus::kInvalid;
}

struct Text {
  bool huffman = false;
  std::string_view raw{};
};

ParseStatus TakeText(std::string_view bytes, std::size_t& pos, std::size_t max, Text& text) {
  if (pos >= bytes.size()) return ParseStatus::kNeedMore;
  text.huffman = (static_cast<unsigned char>(bytes[pos]) & 0x80) != 0;
  std::uint32_t size = 0;
  const ParseStatus status = TakeInteger(bytes, pos, 7, size);
  if (status != ParseStatus::kComplete) return status;
  if (size > max) return ParseStatus::kInvalid;
  if (bytes.size() - pos < size) {
    pos = bytes.size();
    return ParseStatus::kNeedMore;
  }
  text.raw = bytes.substr(pos, size);
  pos += size;
  return ParseStatus::kComplete;
}

// The text itself; it may lie in `room`. False: bad code.
bool Read(const Text& text, std::string& room, std::string_view& out) {
  if (!text.huffman) {
    out = text.raw;
    return true;
  }
  if (!DecodeHuffman(text.raw, room)) return false;
  out = room;
  return true;
}

}  // namespace

Decoder::Decoder(Limits limits, bool from_start, Keep keep)
    : limits_(limits),
      keep_(keep),
      table_(std::min(from_start ? kDefaultTableBytes : limits.unknown_table_bytes,
                      limits.max_table_bytes)) {}

void Decoder::Lose() {
  table_.Clear();
  AllowUnknownTable();
}

void Decoder::Miss(std::size_t entries) {
  AllowUnknownTable();
  table_.Miss(entries);
}

// A change of its size may have been missed.
void Decoder::AllowUnknownTable() { AllowTable(limits_.unknown_table_bytes); }

void Decoder::AllowTable(std::size_t bytes) {
  table_.SetBound(std::max(table_.bound_bytes(), std::min(bytes, limits_.max_table_bytes)));
}

void Decoder::Adopt(DynamicTable table) {
  table.SetBound(std::max(table_.bound_bytes(),
                          std::min(limits_.unknown_table_bytes, limits_.max_table_bytes)));
  table_ = std::move(table);
}

//   1xxxxxxx  indexed
//   01xxxxxx  literal, added to the table
//   001xxxxx  table size
//   0001xxxx  literal, never indexed
//   0000xxxx  literal, not added
Decoder::Result Decoder::Decode(std::string_view bytes, Scratch& scratch, FieldSink& sink) {
  std::size_t consumed = 0;
  while (consumed < bytes.size()) {
    const auto first = static_cast<unsigned char>(bytes[consumed]);
    if ((first & 0xe0) == 0x20 || (first & 0x80) != 0) {
      const bool indexed = (first & 0x80) != 0;
      std::uint32_t value = 0;
      std::size_t pos = consumed;
      const ParseStatus status = TakeInteger(bytes, pos, indexed ? 7 : 5, value);
      if (status != ParseStatus::kComplete) return {status, consumed};
      if (indexed) {
        if (!Indexed(value, sink)) return {ParseStatus::kInvalid, consumed};
        in_block_ = true;
      } else {
        if (in_block_) return {ParseStatus::kInvalid, consumed};
        if (value == 0) table_.Clear();
        // What lies beyond is certainly evicted; below, nothing is worth computing.
        table_.SetBound(std::min<std::size_t>(value, limits_.max_table_bytes));
      }
      consumed = pos;
      continue;
    }
    const bool add = (first & 0x40) != 0;
    const Result result = DecodeLiteral(bytes.substr(consumed), add, !add && (first & 0x10) != 0,
                                        add ? 6 : 4, scratch, sink);
    if (result.status != ParseStatus::kComplete) return {result.status, consumed};
    consumed += result.consumed;
    in_block_ = true;
  }
  return {ParseStatus::kComplete, consumed};
}

bool Decoder::Indexed(std::uint32_t index, FieldSink& sink) {
  if (index == 0 || index > kMaxIndex) return false;
  Field field;
  if (index <= kStaticEntries) {
    const StaticEntry& entry = StaticAt(index);
    if (entry.name == Name::kOther && keep_ == Keep::kWanted) return true;
    field.name = entry.name;
    field.name_text = entry.text;
    field.value = entry.value;
  } else if (const Entry* entry = table_.At(index - kStaticEntries - 1); entry != nullptr) {
    if (entry->name_known && entry->name == Name::kOther && keep_ == Keep::kWanted) return true;
    field.name = entry->name;
    field.name_known = entry->name_known;
    field.value_known = entry->value_known;
    field.name_text = entry->name_text();
    field.value = entry->value();
  } else {
    field.name_known = field.value_known = false;
  }
  sink.OnField(field);
  return true;
}

// First finds where it ends, by arithmetic alone; decodes when all of it is there. So a literal
// that comes byte by byte costs no more than one that comes whole.
Decoder::Result Decoder::DecodeLiteral(std::string_view bytes, bool add, bool never,
                                       unsigned prefix, Scratch& scratch, FieldSink& sink) {
  std::size_t pos = 0;
  std::uint32_t index = 0;
  Text name_text;
  Text value_text;
  ParseStatus status = TakeInteger(bytes, pos, prefix, index);
  if (status == ParseStatus::kComplete && index > kMaxIndex) status = ParseStatus::kInvalid;
  if (status == ParseStatus::kComplete && index == 0) {
    status = TakeText(bytes, pos, limits_.max_field_bytes, name_text);
  }
  if (status == ParseStatus::kComplete) {
    status = TakeText(bytes, pos, limits_.max_field_bytes - name_text.raw.size(), value_text);
  }
  if (status != ParseStatus::kComplete) return {status, 0};

  Field field;
  field.never_indexed = never;
  std::string own_name;  // a name of the table, which the new entry may push out
  if (index == 0) {
    if (!Read(name_text, scratch.name, field.name_text)) return {ParseStatus::kInvalid, 0};
    field.name = NameOf(field.name_text);
  } else if (index <= kStaticEntries) {
    field.name = StaticAt(index).name;
    field.name_text = StaticAt(index).text;
  } else if (const Entry* entry = table_.At(index - kStaticEntries - 1); entry != nullptr) {
    field.name = entry->name;
    field.name_known = entry->name_known;
    field.name_text = entry->name_text();
    if (add && field.name == Name::kOther) {
      own_name = field.name_text;
      field.name_text = own_name;
    }
  } else {
    field.name_known = false;
  }

  const bool wanted = keep_ == Keep::kAll || field.name != Name::kOther;
  if (wanted) {
    if (!Read(value_text, scratch.value, field.value)) return {ParseStatus::kInvalid, 0};
  } else {
    field.value_known = false;
  }
  if (wanted || !field.name_known) sink.OnField(field);
  if (add) {
    Entry entry;
    entry.name = field.name;
    entry.name_known = field.name_known;
    entry.value_known = field.value_known;
    if (keep_ == Keep::kAll && field.name == Name::kOther && field.name_known) {
      entry.text = field.name_text;
      entry.name_size = static_cast<std::uint32_t>(entry.text.size());
    }
    entry.text += field.value;
    table_.Insert(std::move(entry));
  }
  return {ParseStatus::kComplete, pos};
}

}  // namespace wirespan::hpack
