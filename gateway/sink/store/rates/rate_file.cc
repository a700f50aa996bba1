#include "gateway/sink/store/rates/rate_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/hash.h"
#include "common/base/strings.h"
#include "gateway/sink/store/byte_order.h"

namespace wirespan::gateway::store::rates {

namespace {

constexpr std::string_view kHeaderMagic = "wsrates\n";
constexpr std::string_view kFooterMagic = "wsratend";
constexpr std::string_view kSuffix = ".rates";
constexpr std::size_t kDigits = 16;
constexpr std::uint64_t kNotes = 0;  // the window that they stand in for
constexpr std::size_t kPlaceBytes = 32;
constexpr std::size_t kMaxPlainBytes = 256u << 20;  // of one window

std::string EncodeHeader(const LogRange& logs, std::uint16_t version = kRatesVersion) {
  std::string bytes(kHeaderMagic);
  PutNumber(bytes, version);
  PutNumber(bytes, static_cast<std::uint16_t>(kRatesHeaderBytes));
  PutNumber<std::uint32_t>(bytes, 0);
  PutNumber(bytes, logs.first);
  PutNumber(bytes, logs.last);
  PutNumber(bytes, Hash64(bytes));
  return bytes;
}

std::string EncodeIndex(const std::vector<WindowPlace>& windows) {
  std::string bytes;
  for (const WindowPlace& window : windows) {
    PutNumber(bytes, window.window_s);
    PutNumber(bytes, window.at);
    PutNumber(bytes, window.bytes);
    PutNumber(bytes, window.plain_bytes);
    PutNumber(bytes, window.check);
  }
  return bytes;
}

}  // namespace

std::string RatesFileName(const LogRange& logs) {
  return fmt::format("{:016x}-{:016x}{}", logs.first, logs.last, kSuffix);
}

bool ParseRatesFileName(std::string_view file, LogRange& logs) {
  if (file.size() != 2 * kDigits + 1 + kSuffix.size() || !file.ends_with(kSuffix) ||
      file[kDigits] != '-') {
    return false;
  }
  const auto first = ParseHex(file.substr(0, kDigits));
  const auto last = ParseHex(file.substr(kDigits + 1, kDigits));
  if (!first || !last || *first > *last) return false;
  logs = {*first, *last};
  return true;
}

Result<> RateFileWriter::Append(std::string_view bytes) {
  if (auto room = reserve_(bytes.size()); !room) return room;
  auto written = file_.Write(at_, std::span(&bytes, 1));
  if (written) at_ += bytes.size();
  return written;
}

Result<> RateFileWriter::Add(std::uint64_t window_s, std::string_view plain) {
  if (at_ == 0) {
    if (auto begun = Append(EncodeHeader(logs_)); !begun) return begun;
  }
  std::string packed;
  compressor_.Compress(otlp::Encoding::kZstd, plain, packed);
  windows_.push_back({.window_s = window_s,
                      .at = at_,
                      .bytes = static_cast<std::uint32_t>(packed.size()),
                      .plain_bytes = static_cast<std::uint32_t>(plain.size()),
                      .check = Hash64(packed)});
  return Append(packed);
}

Result<> RateFileWriter::AddNotes(std::string_view notes) { return Add(kNotes, notes); }

Result<> RateFileWriter::Finish(bool sync) {
  if (at_ == 0) {
    if (auto begun = Append(EncodeHeader(logs_)); !begun) return begun;
  }
  const std::string index = EncodeIndex(windows_);
  std::string footer(kFooterMagic);
  PutNumber(footer, at_);
  PutNumber<std::uint64_t>(footer, index.size());
  PutNumber(footer, Hash64(index));
  PutNumber(footer, Hash64(footer));
  if (auto written = Append(index); !written) return written;
  if (sync) {
    if (auto synced = file_.Sync(); !synced) return synced;
  }
  if (auto written = Append(footer); !written) return written;
  return sync ? file_.Sync() : Result<>{};
}

bool RateFile::ReadExactly(std::uint64_t at, std::uint64_t bytes, std::string& out) const {
  out.resize(static_cast<std::size_t>(bytes));
  const auto got = file_->Read(at, out.data(), out.size());
  return got && *got == out.size();
}

Result<std::shared_ptr<const RateFile>> RateFile::Open(std::unique_ptr<queue::DiskFile> file,
                                                       const LogRange& logs) {
  std::shared_ptr<RateFile> opened(new RateFile(std::move(file), logs));
  if (auto loaded = opened->Load(); !loaded) return tl::unexpected(loaded.error());
  return opened;
}

Result<> RateFile::Load() {
  const std::string name = RatesFileName(logs_);
  const auto damaged = [&](std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: its {} is damaged", name, what));
  };
  auto size = file_->Size();
  if (!size) return tl::unexpected(size.error());
  bytes_ = *size;
  if (bytes_ < kRatesHeaderBytes + kRatesFooterBytes) return damaged("end");
  std::string header;
  std::string footer;
  if (!ReadExactly(0, kRatesHeaderBytes, header) || !header.starts_with(kHeaderMagic) ||
      GetNumber<std::uint64_t>(header, 32) != Hash64(header.substr(0, 32))) {
    return damaged("header");
  }
  const auto version = GetNumber<std::uint16_t>(header, 8);
  if (version > kRatesVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} has format version {} and this program knows up to {}; nothing was "
                            "changed",
                            name, version, kRatesVersion));
  }
  if (header != EncodeHeader(logs_, version)) return damaged("header");  // of another file
  const std::uint64_t end = bytes_ - kRatesFooterBytes;
  if (!ReadExactly(end, kRatesFooterBytes, footer) || !footer.starts_with(kFooterMagic) ||
      GetNumber<std::uint64_t>(footer, 32) != Hash64(footer.substr(0, 32))) {
    return damaged("end");
  }
  const auto index_at = GetNumber<std::uint64_t>(footer, 8);
  const auto index_bytes = GetNumber<std::uint64_t>(footer, 16);
  std::string index;
  if (index_at > end || index_bytes != end - index_at || index_bytes % kPlaceBytes != 0 ||
      !ReadExactly(index_at, index_bytes, index) ||
      Hash64(index) != GetNumber<std::uint64_t>(footer, 24)) {
    return damaged("index");
  }
  for (std::size_t at = 0; at < index.size(); at += kPlaceBytes) {
    const WindowPlace window{.window_s = GetNumber<std::uint64_t>(index, at),
                             .at = GetNumber<std::uint64_t>(index, at + 8),
                             .bytes = GetNumber<std::uint32_t>(index, at + 16),
                             .plain_bytes = GetNumber<std::uint32_t>(index, at + 20),
                             .check = GetNumber<std::uint64_t>(index, at + 24)};
    const bool in_order = windows_.empty() || windows_.back().window_s < window.window_s;
    if (!in_order || window.window_s % kWindowS != 0 || window.at > index_at ||
        window.bytes > index_at - window.at || window.plain_bytes > kMaxPlainBytes) {
      return damaged("index");
    }
    windows_.push_back(window);
  }
  if (!windows_.empty() && windows_.front().window_s == kNotes && version > 1) {
    notes_ = windows_.front();
    windows_.erase(windows_.begin());
  }
  return {};
}

const WindowPlace* RateFile::Find(std::uint64_t window_s) const {
  const auto found = std::lower_bound(
      windows_.begin(), windows_.end(), window_s,
      [](const WindowPlace& place, std::uint64_t wanted) { return place.window_s < wanted; });
  return found == windows_.end() || found->window_s != window_s ? nullptr : &*found;
}

bool RateFile::ReadPlain(const WindowPlace& place, otlp::Decompressor& decompressor,
                         std::string& plain) const {
  std::string packed;
  if (!ReadExactly(place.at, place.bytes, packed) || Hash64(packed) != place.check) return false;
  return decompressor.Decompress(otlp::Encoding::kZstd, packed, place.plain_bytes, plain) ==
         otlp::Decompressor::Outcome::kOk;
}

bool RateFile::Read(const WindowPlace& place, otlp::Decompressor& decompressor,
                    const VisitCell& visit) const {
  std::string plain;
  return ReadPlain(place, decompressor, plain) && DecodeWindow(plain, place.window_s, visit);
}

bool RateFile::ReadNotes(otlp::Decompressor& decompressor, std::string& notes) const {
  notes.clear();
  return !notes_ || ReadPlain(*notes_, decompressor, notes);
}

}  // namespace wirespan::gateway::store::rates
