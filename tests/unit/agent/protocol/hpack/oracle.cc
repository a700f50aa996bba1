#include "tests/unit/agent/protocol/hpack/oracle.h"

#include <cstdint>
#include <cstdlib>

namespace wirespan::hpack::testing {
namespace {

std::uint8_t* Bytes(
    const std::string& text) {  // nghttp2 takes pointers to non-const and only reads
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

nghttp2_hd_deflater* NewDeflater(std::size_t max_table_bytes) {
  nghttp2_hd_deflater* deflater = nullptr;
  if (nghttp2_hd_deflate_new(&deflater, max_table_bytes) != 0) std::abort();
  return deflater;
}

nghttp2_hd_inflater* NewInflater() {
  nghttp2_hd_inflater* inflater = nullptr;
  if (nghttp2_hd_inflate_new(&inflater) != 0) std::abort();
  return inflater;
}

}  // namespace

Encoder::Encoder(std::size_t max_table_bytes)
    : deflater_(NewDeflater(max_table_bytes), nghttp2_hd_deflate_del) {}

void Encoder::SetTableBytes(std::size_t bytes) {
  if (nghttp2_hd_deflate_change_table_size(deflater_.get(), bytes) != 0) std::abort();
}

std::string Encoder::Encode(const Headers& headers) {
  std::vector<nghttp2_nv> list;
  for (const Header& header : headers) {
    list.push_back({Bytes(header.name), Bytes(header.value), header.name.size(),
                    header.value.size(),
                    static_cast<std::uint8_t>(header.sensitive ? NGHTTP2_NV_FLAG_NO_INDEX
                                                               : NGHTTP2_NV_FLAG_NONE)});
  }
  std::string out(nghttp2_hd_deflate_bound(deflater_.get(), list.data(), list.size()), '\0');
  const auto size =
      nghttp2_hd_deflate_hd(deflater_.get(), Bytes(out), out.size(), list.data(), list.size());
  if (size < 0) std::abort();
  out.resize(static_cast<std::size_t>(size));
  return out;
}

OracleDecoder::OracleDecoder() : inflater_(NewInflater(), nghttp2_hd_inflate_del) {}

std::optional<Headers> OracleDecoder::Decode(std::string_view block) {
  Headers out;
  const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &nv, &flags, at, left, 1);
    if (used < 0) return std::nullopt;
    at += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      out.push_back({{reinterpret_cast<const char*>(nv.name), nv.namelen},
                     {reinterpret_cast<const char*>(nv.value), nv.valuelen}});
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if (used == 0 && left == 0 && (flags & NGHTTP2_HD_INFLATE_EMIT) == 0) return std::nullopt;
  }
  nghttp2_hd_inflate_end_headers(inflater_.get());
  return out;
}

}  // namespace wirespan::hpack::testing
