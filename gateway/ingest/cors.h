#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "common/http/server.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// Which pages a browser may let send here (Fetch standard, CORS protocol). Without allowed_origins
// nothing is answered, and browsers keep to pages of the same origin. As the Collector's: cookies
// and other credentials are allowed.
class Cors {
 public:
  explicit Cors(CorsOptions options);

  // A browser's question before the real request: OPTIONS with Access-Control-Request-Method. It
  // comes without credentials. Nullopt: it is no such question.
  std::optional<http::Response> Preflight(const http::Request& request) const;

  // A responder that tells the browser whether its page may read the answer.
  std::unique_ptr<http::Responder> Tell(const http::Headers& request,
                                        std::unique_ptr<http::Responder> responder) const;

 private:
  bool enabled() const { return !options_.allowed_origins.empty(); }
  bool Allows(std::string_view origin) const;
  bool AllowsHeaders(std::string_view names) const;
  void AddOrigin(std::string_view origin, http::Headers& headers) const;

  const CorsOptions options_;
  bool any_origin_ = false;
  bool any_header_ = false;
};

// "https://*.example.com": the star stands for anything, no star for itself alone; letters of
// either case are equal.
bool MatchesOrigin(std::string_view pattern, std::string_view origin);

}  // namespace wirespan::gateway
