#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The frame of a block's file: docs/format/store.md. Little-endian throughout.
//
//   header (48)  page*  page table  term directory  term buckets  names  edges  footer (208)
namespace wirespan::gateway::store {

inline constexpr std::uint16_t kBlockVersion = 1;
inline constexpr std::size_t kBlockHeaderBytes = 48;
inline constexpr std::size_t kBlockFooterBytes = 208;

struct BlockHeader {
  std::uint16_t version = kBlockVersion;
  std::uint64_t number = 0;
  std::uint64_t first_received_ns = 0;  // realtime
  std::uint64_t last_received_ns = 0;
};
enum class HeaderRead : std::uint8_t { kOk, kDamaged, kNewer };
std::string EncodeBlockHeader(const BlockHeader& header);
HeaderRead DecodeBlockHeader(std::string_view bytes, BlockHeader& header);

struct Section {
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  std::uint64_t check = 0;  // XXH3-64; of the term buckets 0: each has its own in the directory
};
struct BlockFooter {
  std::uint64_t number = 0;
  std::uint64_t spans = 0;
  std::uint64_t pages = 0;
  std::uint64_t min_start_ns = 0;
  std::uint64_t max_start_ns = 0;
  Section page_table{};
  Section directory{};
  Section buckets{};
  Section names{};
  Section edges{};
  Section trace_filter{};  // all zero: an earlier program wrote none
};
std::string EncodeBlockFooter(const BlockFooter& footer);
// Of a file's last bytes; `file_bytes` is its size. False: damaged, or the file is not complete.
bool DecodeBlockFooter(std::string_view bytes, std::uint64_t file_bytes, BlockFooter& footer);

// "<16 hex digits>.blk" and ".wal".
inline constexpr std::string_view kBlockSuffix = ".blk";
inline constexpr std::string_view kLogSuffix = ".wal";
std::string FileName(std::uint64_t number, std::string_view suffix);
// False: another file.
bool ParseFileName(std::string_view file, std::string_view suffix, std::uint64_t& number);

}  // namespace wirespan::gateway::store
