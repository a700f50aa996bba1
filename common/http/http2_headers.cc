#include "common/http/http2_headers.h"

#include "common/base/strings.h"
#include "common/http/server_message.h"

namespace wirespan::http::internal {

namespace {

bool HasBody(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

Http2Headers Http2Headers::HeadOf(const Response& response) {
  Http2Headers head;
  const int status = response.status >= 200 && response.status <= 999 ? response.status : 500;
  head.Add(":status", std::to_string(status));
  head.AddAll(response.headers);
  head.Add("date", HttpDate());
  if (response.trailers.empty() && HasBody(status) &&
      (!response.body.empty() || !FindHeader(response.headers, "grpc-status"))) {
    head.Add("content-length", std::to_string(response.body.size()));
  }
  return head;
}

Http2Headers Http2Headers::TrailersOf(const Response& response) {
  Http2Headers trailers;
  trailers.AddAll(response.trailers);
  return trailers;
}

void Http2Headers::AddAll(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (MaySend(name, value)) Add(name, value);
  }
}

void Http2Headers::Add(std::string_view name, std::string_view value) {
  fields_.emplace_back(AsciiLower(name), value);
}

const std::vector<nghttp2_nv>& Http2Headers::list() {
  list_.clear();
  for (auto& [name, value] : fields_) {
    list_.push_back({.name = reinterpret_cast<std::uint8_t*>(name.data()),
                     .value = reinterpret_cast<std::uint8_t*>(value.data()),
                     .namelen = name.size(),
                     .valuelen = value.size(),
                     .flags = NGHTTP2_NV_FLAG_NONE});
  }
  return list_;
}

void AddField(Request& request, std::string_view name, std::string_view value) {
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    if (!value.empty()) SetTarget(request, value);
  } else if (name == ":authority") {
    request.headers.emplace_back("host", value);
  } else if (!name.starts_with(':')) {
    request.headers.emplace_back(name, value);
  }
}

}  // namespace wirespan::http::internal
