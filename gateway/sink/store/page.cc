#include "gateway/sink/store/page.h"

#include <algorithm>
#include <utility>

#include "common/base/flat_map.h"
#include "common/base/hash.h"
#include "common/otlp/wire.h"
#include "gateway/sink/store/byte_order.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::string_view kPageMagic = "WPAG";

std::uint64_t UnZigZag(std::uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

}  // namespace

std::string EncodePageHeader(const PageHeader& header) {
  std::string bytes(kPageMagic);
  PutNumber(bytes, header.rows);
  PutNumber(bytes, header.columns_bytes);
  PutNumber(bytes, header.payload_bytes);
  PutNumber(bytes, header.plain_bytes);
  PutNumber<std::uint32_t>(bytes, 0);
  PutNumber(bytes, header.at);
  PutNumber(bytes, header.min_start_ns);
  PutNumber(bytes, header.max_start_ns);
  PutNumber(bytes, header.max_duration_ns);
  PutNumber(bytes, header.columns_check);
  PutNumber(bytes, header.payload_check);
  PutNumber(bytes, Hash64(bytes));
  return bytes;
}

bool DecodePageHeader(std::string_view bytes, PageHeader& header) {
  if (bytes.size() < kPageHeaderBytes || !bytes.starts_with(kPageMagic)) return false;
  if (GetNumber<std::uint64_t>(bytes, 72) != Hash64(bytes.substr(0, 72))) return false;
  header.rows = GetNumber<std::uint32_t>(bytes, 4);
  header.columns_bytes = GetNumber<std::uint32_t>(bytes, 8);
  header.payload_bytes = GetNumber<std::uint32_t>(bytes, 12);
  header.plain_bytes = GetNumber<std::uint32_t>(bytes, 16);
  header.at = GetNumber<std::uint64_t>(bytes, 24);
  header.min_start_ns = GetNumber<std::uint64_t>(bytes, 32);
  header.max_start_ns = GetNumber<std::uint64_t>(bytes, 40);
  header.max_duration_ns = GetNumber<std::uint64_t>(bytes, 48);
  header.columns_check = GetNumber<std::uint64_t>(bytes, 56);
  header.payload_check = GetNumber<std::uint64_t>(bytes, 64);
  return header.plain_bytes <= kMaxPlainBytes && header.rows <= header.columns_bytes;
}

// pairs (varint), that many times service and operation (u32 each); then for each row the start's
// difference to the row before (zigzag), the duration and the number of its pair.
std::string EncodeColumns(std::span<const SpanRow* const> rows) {
  FlatMap<std::uint64_t, std::uint64_t> numbers;
  std::string pairs;
  std::string out;
  std::uint64_t before = 0;
  for (const SpanRow* row : rows) {
    const std::uint64_t pair = std::uint64_t{row->service_term} << 32 | row->operation_term;
    const auto [number, added] = numbers.try_emplace(pair, numbers.size());
    if (added) {
      PutNumber(pairs, row->service_term);
      PutNumber(pairs, row->operation_term);
    }
    otlp::AppendVarint(out, otlp::ZigZag(static_cast<std::int64_t>(row->start_ns - before)));
    before = row->start_ns;
    otlp::AppendVarint(out, row->duration_ns);
    otlp::AppendVarint(out, number->second);
  }
  std::string whole;
  otlp::AppendVarint(whole, numbers.size());
  return whole + pairs + out;
}

std::optional<std::vector<ColumnRow>> DecodeColumns(std::string_view bytes, std::uint32_t rows) {
  std::uint64_t count = 0;
  if (!otlp::ReadVarint(bytes, count) || count > bytes.size() / 8) return std::nullopt;
  const std::string_view pairs = bytes.substr(0, count * 8);
  bytes.remove_prefix(pairs.size());
  if (rows > bytes.size()) return std::nullopt;
  std::vector<ColumnRow> decoded(rows);
  std::uint64_t before = 0;
  for (ColumnRow& row : decoded) {
    std::uint64_t start = 0;
    std::uint64_t pair = 0;
    if (!otlp::ReadVarint(bytes, start) || !otlp::ReadVarint(bytes, row.duration_ns) ||
        !otlp::ReadVarint(bytes, pair) || pair >= count) {
      return std::nullopt;
    }
    before += UnZigZag(start);
    row.start_ns = before;
    row.service = GetNumber<Term>(pairs, pair * 8);
    row.operation = GetNumber<Term>(pairs, pair * 8 + 4);
  }
  return decoded;
}

std::string ToRequest(std::span<const SpanRow* const> rows, const std::vector<Group>& groups) {
  otlp::Writer out;
  std::size_t at = 0;
  while (at < rows.size()) {
    const Group& outer = groups[rows[at]->group];
    const otlp::Writer::Mark resource = out.Begin(1, 1 << 14);
    out.Raw(outer.resource_head);
    while (at < rows.size() && groups[rows[at]->group].resource_head == outer.resource_head) {
      const std::uint32_t group = rows[at]->group;
      const otlp::Writer::Mark scope = out.Begin(2, 1 << 14);
      out.Raw(groups[group].scope_head);
      for (; at < rows.size() && rows[at]->group == group; ++at) out.Bytes(2, rows[at]->span);
      out.End(scope);
    }
    out.End(resource);
  }
  return out.Take();
}

std::string EncodePage(std::vector<const SpanRow*>& rows, const std::vector<Group>& groups,
                       std::uint64_t at, otlp::Compressor& compressor, PageHeader& header) {
  // Groups of equal resources beside each other, so that the resource is written once.
  std::stable_sort(rows.begin(), rows.end(), [&](const SpanRow* a, const SpanRow* b) {
    if (a->group == b->group) return false;
    const int order = groups[a->group].resource_head.compare(groups[b->group].resource_head);
    return order != 0 ? order < 0 : a->group < b->group;
  });
  const std::string columns = EncodeColumns(rows);
  const std::string plain = ToRequest(rows, groups);
  std::string payload;
  compressor.Compress(otlp::Encoding::kZstd, plain, payload);
  header = {.at = at,
            .rows = static_cast<std::uint32_t>(rows.size()),
            .columns_bytes = static_cast<std::uint32_t>(columns.size()),
            .payload_bytes = static_cast<std::uint32_t>(payload.size()),
            .plain_bytes = static_cast<std::uint32_t>(plain.size()),
            .min_start_ns = ~std::uint64_t{0},
            .columns_check = Hash64(columns),
            .payload_check = Hash64(payload)};
  for (const SpanRow* row : rows) {
    header.min_start_ns = std::min(header.min_start_ns, row->start_ns);
    header.max_start_ns = std::max(header.max_start_ns, row->start_ns);
    header.max_duration_ns = std::max(header.max_duration_ns, row->duration_ns);
  }
  return EncodePageHeader(header).append(columns).append(payload);
}

bool InflatePayload(const PageHeader& header, std::string_view payload,
                    otlp::Decompressor& decompressor, std::string& plain) {
  if (payload.size() != header.payload_bytes || Hash64(payload) != header.payload_check) {
    return false;
  }
  using Outcome = otlp::Decompressor::Outcome;
  return decompressor.Decompress(otlp::Encoding::kZstd, payload, header.plain_bytes, plain) ==
             Outcome::kOk &&
         plain.size() == header.plain_bytes;
}

}  // namespace wirespan::gateway::store
