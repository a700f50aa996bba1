#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/otlp/compress.h"
#include "gateway/sink/store/span_row.h"

// A page: some hundred spans of a block, compressed together. It stands for itself: what is around
// it may be lost.
//
//   header (80)  columns  payload
//
// The payload is an ExportTraceServiceRequest, compressed with zstd; the columns hold what a search
// looks at first, one row a span, in the order of the payload.
namespace wirespan::gateway::store {

inline constexpr std::size_t kPageHeaderBytes = 80;
inline constexpr std::uint32_t kMaxPlainBytes = 256u << 20;

struct PageHeader {
  std::uint64_t at = 0;  // its own place in the file: a copy elsewhere is no page
  std::uint32_t rows = 0;
  std::uint32_t columns_bytes = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t plain_bytes = 0;  // of the payload, inflated
  std::uint64_t min_start_ns = 0;
  std::uint64_t max_start_ns = 0;
  std::uint64_t max_duration_ns = 0;
  std::uint64_t columns_check = 0;
  std::uint64_t payload_check = 0;

  std::uint64_t content_bytes() const { return std::uint64_t{columns_bytes} + payload_bytes; }
  std::uint64_t whole_bytes() const { return kPageHeaderBytes + content_bytes(); }
};
std::string EncodePageHeader(const PageHeader& header);
// False: no page's header, or a damaged one.
bool DecodePageHeader(std::string_view bytes, PageHeader& header);

struct ColumnRow {
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  Term service = 0;
  Term operation = 0;
};
std::string EncodeColumns(std::span<const SpanRow* const> rows);
// nullopt: damaged. `rows` is the header's.
std::optional<std::vector<ColumnRow>> DecodeColumns(std::string_view bytes, std::uint32_t rows);

// Rows beside each other that are of one group, or of one resource, stand in it together.
std::string ToRequest(std::span<const SpanRow* const> rows, const std::vector<Group>& groups);

// The page's bytes, header first, to be written at `at`. `rows` are put in the order of the
// payload: by group, otherwise as they come.
std::string EncodePage(std::vector<const SpanRow*>& rows, const std::vector<Group>& groups,
                       std::uint64_t at, otlp::Compressor& compressor, PageHeader& header);

// The spans' bytes, inflated; false: damaged.
bool InflatePayload(const PageHeader& header, std::string_view payload,
                    otlp::Decompressor& decompressor, std::string& plain);

}  // namespace wirespan::gateway::store
