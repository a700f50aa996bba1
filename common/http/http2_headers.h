#pragma once

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/http/server.h"

// Between nghttp2's header lists and ours.
namespace wirespan::http::internal {

// A header list whose text it owns: nghttp2 wants lower-case names.
class Http2Headers {
 public:
  // :status, the response's headers that may be sent, Date and, unless trailers follow,
  // Content-Length.
  static Http2Headers HeadOf(const Response& response);
  static Http2Headers TrailersOf(const Response& response);

  void Add(std::string_view name, std::string_view value);
  // Valid until the next Add.
  const std::vector<nghttp2_nv>& list();

 private:
  void AddAll(const Headers& headers);

  std::vector<std::pair<std::string, std::string>> fields_{};
  std::vector<nghttp2_nv> list_{};
};

// A field of a request's head, pseudo headers too. :authority becomes Host.
void AddField(Request& request, std::string_view name, std::string_view value);

}  // namespace wirespan::http::internal
