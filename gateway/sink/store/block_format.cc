#include "gateway/sink/store/block_format.h"

#include <fmt/format.h>

#include "common/base/hash.h"
#include "common/base/strings.h"
#include "gateway/sink/store/byte_order.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::string_view kHeaderMagic = "wsblock\n";
constexpr std::string_view kFooterMagic = "wsblkend";
constexpr std::size_t kFooterCheckAt = kBlockFooterBytes - 8;

// The section lies between header and footer.
bool Fits(const Section& section, std::uint64_t file_bytes) {
  const std::uint64_t end = file_bytes - kBlockFooterBytes;
  return section.at >= kBlockHeaderBytes && section.at <= end && section.bytes <= end - section.at;
}

}  // namespace

std::string EncodeBlockHeader(const BlockHeader& header) {
  std::string bytes(kHeaderMagic);
  PutNumber(bytes, header.version);
  PutNumber(bytes, static_cast<std::uint16_t>(kBlockHeaderBytes));
  PutNumber<std::uint32_t>(bytes, 0);
  PutNumber(bytes, header.number);
  PutNumber(bytes, header.first_received_ns);
  PutNumber(bytes, header.last_received_ns);
  PutNumber(bytes, Hash64(bytes));
  return bytes;
}

HeaderRead DecodeBlockHeader(std::string_view bytes, BlockHeader& header) {
  if (bytes.size() < kBlockHeaderBytes || !bytes.starts_with(kHeaderMagic)) {
    return HeaderRead::kDamaged;
  }
  if (GetNumber<std::uint64_t>(bytes, 40) != Hash64(bytes.substr(0, 40))) {
    return HeaderRead::kDamaged;
  }
  header.version = GetNumber<std::uint16_t>(bytes, 8);
  header.number = GetNumber<std::uint64_t>(bytes, 16);
  header.first_received_ns = GetNumber<std::uint64_t>(bytes, 24);
  header.last_received_ns = GetNumber<std::uint64_t>(bytes, 32);
  return header.version > kBlockVersion ? HeaderRead::kNewer : HeaderRead::kOk;
}

std::string EncodeBlockFooter(const BlockFooter& footer) {
  std::string bytes(kFooterMagic);
  for (const std::uint64_t value :
       {footer.number, footer.spans, footer.pages, footer.min_start_ns, footer.max_start_ns}) {
    PutNumber(bytes, value);
  }
  for (const Section* section : {&footer.page_table, &footer.directory, &footer.buckets,
                                 &footer.names, &footer.edges, &footer.trace_filter}) {
    PutNumber(bytes, section->at);
    PutNumber(bytes, section->bytes);
    PutNumber(bytes, section->check);
  }
  bytes.resize(kFooterCheckAt, '\0');
  PutNumber(bytes, Hash64(bytes));
  return bytes;
}

bool DecodeBlockFooter(std::string_view bytes, std::uint64_t file_bytes, BlockFooter& footer) {
  if (bytes.size() != kBlockFooterBytes || !bytes.starts_with(kFooterMagic)) return false;
  if (GetNumber<std::uint64_t>(bytes, kFooterCheckAt) != Hash64(bytes.substr(0, kFooterCheckAt))) {
    return false;
  }
  std::size_t at = kFooterMagic.size();
  const auto next = [&] {
    const auto value = GetNumber<std::uint64_t>(bytes, at);
    at += 8;
    return value;
  };
  for (std::uint64_t* value :
       {&footer.number, &footer.spans, &footer.pages, &footer.min_start_ns, &footer.max_start_ns}) {
    *value = next();
  }
  bool fits = file_bytes >= kBlockHeaderBytes + kBlockFooterBytes;
  for (Section* section : {&footer.page_table, &footer.directory, &footer.buckets, &footer.names,
                           &footer.edges, &footer.trace_filter}) {
    section->at = next();
    section->bytes = next();
    section->check = next();
    const bool left_out = section == &footer.trace_filter && section->bytes == 0;
    fits = fits && (left_out || Fits(*section, file_bytes));
  }
  return fits;
}

std::string FileName(std::uint64_t number, std::string_view suffix) {
  return fmt::format("{:016x}{}", number, suffix);
}

bool ParseFileName(std::string_view file, std::string_view suffix, std::uint64_t& number) {
  if (file.size() != 16 + suffix.size() || !file.ends_with(suffix)) return false;
  const auto parsed = ParseHex(file.substr(0, 16));
  if (parsed) number = *parsed;
  return parsed.has_value();
}

}  // namespace wirespan::gateway::store
