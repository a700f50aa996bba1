// A block's file in any state: opening ends, nothing is read that is not there, and whatever pages,
// columns, terms, names and edges come out can be walked.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "gateway/sink/store/block_reader.h"
#include "gateway/sink/store/query.h"

namespace {

using namespace wirespan;
using namespace wirespan::gateway::store;

class BytesFile : public queue::DiskFile {
 public:
  explicit BytesFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<> Write(std::uint64_t, std::span<const std::string_view>) override { std::abort(); }
  Result<> Sync() override { std::abort(); }
  Result<> Truncate(std::uint64_t) override { std::abort(); }
  Result<std::uint64_t> Size() const override { return std::uint64_t{bytes_.size()}; }
  Result<std::size_t> Read(std::uint64_t at, char* out, std::size_t size) const override {
    return at >= bytes_.size() ? 0 : bytes_.copy(out, size, at);
  }

 private:
  const std::string bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  // The parts alone, for the checks in front of them hold a mutator up.
  (void)DecodeNames(bytes);
  (void)DecodeEdges(bytes);
  if (const auto filter = TraceFilter::Decode(bytes)) (void)filter->MayHold(0xffffffff);
  if (size > 4) {
    (void)DecodeColumns(std::string_view(bytes).substr(1), data[0]);
    if (const auto directory = TermDirectory::Decode(bytes, 1u << 30)) {
      const auto range = directory->BucketOf(0x12345678);
      if (range.at + range.bytes > 1u << 30) std::abort();
    }
  }
  DamageBook book;
  auto opened = BlockReader::Open(std::make_unique<BytesFile>(bytes), 1, book);
  if (!opened) return 0;
  const BlockReader& reader = **opened;
  if (reader.page_count() > size / kPageHeaderBytes) std::abort();
  otlp::Decompressor decompressor;
  std::string plain;
  for (std::uint32_t page = 0; page < reader.page_count(); ++page) {
    (void)reader.Columns(page);
    if (reader.page(page).plain_bytes > 1u << 20) continue;  // time, not truth
    if (!reader.Payload(page, decompressor, plain)) continue;
    ForEachSpanIn(plain, [&](const SpanPlace& place, const SpanRow& row) {
      const Term terms[] = {TraceTerm(row.key.trace), OperationTerm(place.service, row.name)};
      for (const std::uint32_t found : reader.PagesWith(terms)) {
        if (found >= reader.page_count()) std::abort();
      }
      return true;
    });
  }
  (void)reader.ReadNames();
  (void)reader.ReadEdges();
  if (const auto filter = reader.ReadFilter()) (void)filter->MayHold(0x12345678);
  return 0;
}
