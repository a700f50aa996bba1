#pragma once

#include <span>
#include <string_view>

#include "common/http/server.h"

namespace wirespan::gateway::query {

// A file of the page, as it is in the binary.
struct StaticFile {
  std::string_view path{};  // "/assets/index-1a2b.js"
  std::string_view content_type{};
  std::string_view body_gzip{};  // one gzip member
  std::string_view etag{};       // in quotes
};

// By path, ascending. Made by tools/embed_page.py of the page's build; empty in a program that was
// built without it.
std::span<const StaticFile> StaticFiles();

// What the path stands for: a file, or index.html where the last part of the path has no dot (the
// page has addresses of its own). Names below /assets/ hold a hash of their content and may be kept
// for ever; the others are asked for again with If-None-Match. The page runs its own code alone,
// asks this server alone and is shown in no frame.
http::Response AnswerStatic(const http::Request& request, std::span<const StaticFile> files);

}  // namespace wirespan::gateway::query
