#include "gateway/query/static_page.h"

#include <algorithm>
#include <string>

#include "common/base/strings.h"
#include "common/otlp/compress.h"

namespace wirespan::gateway::query {

namespace {

constexpr std::size_t kMaxPlainBytes = 64u << 20;  // of one file

const StaticFile* Find(std::span<const StaticFile> files, std::string_view path) {
  const auto found = std::lower_bound(
      files.begin(), files.end(), path,
      [](const StaticFile& file, std::string_view wanted) { return file.path < wanted; });
  return found == files.end() || found->path != path ? nullptr : &*found;
}

const StaticFile* FileFor(std::span<const StaticFile> files, std::string_view path) {
  if (const StaticFile* file = Find(files, path); file != nullptr) return file;
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last.find('.') == std::string_view::npos ? Find(files, "/index.html") : nullptr;
}

http::Headers PageHeaders() {
  return {{"Content-Security-Policy",
           "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
           "object-src 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"X-Frame-Options", "DENY"}};  // for browsers that know no frame-ancestors
}

http::Response PlainText(int status, std::string text) {
  http::Headers headers = PageHeaders();
  headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  return {.status = status, .headers = std::move(headers), .body = std::move(text)};
}

// RFC 9110, 13.1.2: a list of tags, weak ones too, or "*".
bool HasTag(std::string_view list, std::string_view etag) {
  for (std::string_view tag : SplitList(list)) {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag || tag == "*") return true;
  }
  return false;
}

// RFC 9110, 12.5.3, as far as clients go: gzip, or anything, that is not weighed zero.
bool TakesGzip(const http::Headers& headers) {
  for (const std::string_view item :
       SplitList(http::FindHeader(headers, "Accept-Encoding").value_or(""))) {
    const std::size_t semicolon = item.find(';');
    const std::string_view name = TrimAscii(item.substr(0, semicolon));
    if (!EqualsIgnoreCase(name, "gzip") && name != "*") continue;
    if (semicolon == std::string_view::npos) return true;
    std::string_view weight = TrimAscii(item.substr(semicolon + 1));
    if (StartsWithIgnoreCase(weight, "q=")) weight.remove_prefix(2);
    return ParseDouble(weight).value_or(0) > 0;
  }
  return false;
}

}  // namespace

http::Response AnswerStatic(const http::Request& request, std::span<const StaticFile> files) {
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response refusal = PlainText(405, "only GET and HEAD are known here\n");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    return refusal;
  }
  if (files.empty()) return PlainText(404, "this build has no page; the API is below /api/\n");
  std::string_view path = request.path;
  if (path == "/") path = "/index.html";
  const StaticFile* file = FileFor(files, path);
  if (file == nullptr) return PlainText(404, "no such page\n");
  http::Response response{.headers = PageHeaders()};
  const auto header = [&](std::string name, std::string_view value) {
    response.headers.emplace_back(std::move(name), value);
  };
  header("ETag", file->etag);
  header("Vary", "Accept-Encoding");
  header("Cache-Control",
         file->path.starts_with("/assets/") ? "private, max-age=31536000, immutable" : "no-cache");
  if (HasTag(http::FindHeader(request.headers, "If-None-Match").value_or(""), file->etag)) {
    response.status = 304;
    return response;
  }
  header("Content-Type", file->content_type);
  if (TakesGzip(request.headers)) {
    header("Content-Encoding", "gzip");
    response.body = file->body_gzip;
    return response;
  }
  otlp::Decompressor decompressor;
  if (decompressor.Decompress(otlp::Encoding::kGzip, file->body_gzip, kMaxPlainBytes,
                              response.body) != otlp::Decompressor::Outcome::kOk) {
    return PlainText(500, "the page's file can't be inflated\n");
  }
  return response;
}

}  // namespace wirespan::gateway::query
