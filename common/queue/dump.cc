#include "common/queue/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/queue/segment.h"

namespace wirespan::queue {

namespace {

std::set<std::uint64_t> AckedIn(Disk& disk, const std::string& file) {
  std::set<std::uint64_t> acked;
  auto opened = disk.Open(file);
  if (!opened) return acked;
  std::string bytes((*opened)->Size().value_or(0), '\0');
  bytes.resize((*opened)->Read(0, bytes.data(), bytes.size()).value_or(0));
  for (const AckEntry& entry : DecodeAcks(bytes)) acked.insert(entry.seq);
  return acked;
}

bool ContentSound(const DiskFile& file, const Found& found) {
  std::string content(found.header.content_bytes(), '\0');
  const auto got = file.Read(found.offset + kRecordHeaderBytes, content.data(), content.size());
  return got.value_or(0) == content.size() && ContentOk(found.header, content, {});
}

Result<> DumpSegment(Disk& disk, const std::string& name, std::uint64_t first_seq,
                     const std::function<void(std::string_view)>& print) {
  auto file = disk.Open(name);
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->Size();
  if (!size) return tl::unexpected(size.error());
  std::string bytes(kSegmentHeaderBytes, '\0');
  bytes.resize((*file)->Read(0, bytes.data(), bytes.size()).value_or(0));
  SegmentHeader header;
  const SegmentRead read = Decode(bytes, header);
  if (read == SegmentRead::kNewer) {
    print(fmt::format("{}: version {}, newer than this program", name, header.version));
    return {};
  }
  print(fmt::format("{}: version {}, {} bytes{}", name, header.version, *size,
                    read == SegmentRead::kDamaged ? ", header damaged" : ""));
  const auto acked = AckedIn(disk, SegmentName(first_seq) + std::string(kAckSuffix));
  SegmentScanner scanner(
      [&](std::uint64_t offset, char* out, std::size_t wanted) {
        return (*file)->Read(offset, out, wanted).value_or(0);
      },
      first_seq);
  for (;;) {
    const Found found = scanner.Next(*size);
    switch (found.kind) {
      case Found::Kind::kEnd:
        return {};
      case Found::Kind::kRecord:
        print(fmt::format("  {:>12} offset {:>10} items {:>7} bytes {:>9} {}", found.header.seq,
                          found.offset, found.header.items, found.header.payload_bytes,
                          acked.contains(found.header.seq) ? "acknowledged"
                          : ContentSound(**file, found)    ? "held"
                                                           : "damaged"));
        break;
      case Found::Kind::kFooter:
        print(fmt::format("  {:>12} offset {:>10} footer", "-", found.offset));
        break;
      case Found::Kind::kDamaged:
      case Found::Kind::kTorn:
        print(fmt::format("  {:>12} offset {:>10} {}: {} records lost in {} bytes", "-",
                          found.offset, found.kind == Found::Kind::kTorn ? "torn" : "damaged",
                          found.lost_records, found.lost_bytes));
        break;
    }
  }
}

}  // namespace

Result<> Dump(Disk& disk, const std::function<void(std::string_view)>& print) {
  auto names = disk.List();
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    const auto first_seq = ParseSegmentFile(name);
    if (!first_seq) continue;
    if (auto dumped = DumpSegment(disk, name, *first_seq, print); !dumped) return dumped;
  }
  return {};
}

}  // namespace wirespan::queue
