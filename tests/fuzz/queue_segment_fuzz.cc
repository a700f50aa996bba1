// A queue's files after a crash: any bytes end, every step moves on, and no count exceeds what
// could have stood there.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/queue/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan::queue;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SegmentHeader header;
  if (Decode(bytes.substr(0, kSegmentHeaderBytes), header) == SegmentRead::kNewer) return 0;
  SegmentScanner scanner(
      [&](std::uint64_t offset, char* out, std::size_t wanted) {
        return offset >= bytes.size() ? 0 : bytes.copy(out, wanted, offset);
      },
      header.first_seq);
  std::uint64_t records = 0;
  for (std::uint64_t before = 0;;) {
    const Found found = scanner.Next(size);
    if (found.kind == Found::Kind::kEnd) break;
    const bool gap = found.kind == Found::Kind::kDamaged && found.lost_bytes == 0;
    if (!gap && scanner.offset() <= before && before != 0) std::abort();
    before = scanner.offset();
    if (found.kind != Found::Kind::kRecord) continue;
    if (found.offset + found.header.whole_bytes() > size) std::abort();
    (void)ContentOk(found.header,
                    bytes.substr(found.offset + kRecordHeaderBytes, found.header.content_bytes()),
                    {});
    if (++records > size / kRecordHeaderBytes) std::abort();
  }
  if (DecodeAcks(bytes).size() > size / kAckBytes) std::abort();
  return 0;
}
