#include "gateway/ingest/cors.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "common/base/strings.h"

namespace wirespan::gateway {

namespace {

constexpr std::string_view kVary =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
// Allowed in any case: the standard's safelist, and what the Collector's library adds to it.
constexpr std::array<std::string_view, 5> kAlwaysAllowed = {
    "accept", "accept-language", "content-language", "content-type", "x-requested-with"};

class Telling : public http::Responder {
 public:
  Telling(http::Headers headers, std::unique_ptr<http::Responder> next)
      : headers_(std::move(headers)), next_(std::move(next)) {}

  void Send(http::Response response) override {
    Add(response);
    next_->Send(std::move(response));
  }
  void WhenGone(std::function<void()> gone) override { next_->WhenGone(std::move(gone)); }
  void AnswerBy(std::chrono::steady_clock::time_point deadline, http::Response late) override {
    Add(late);
    next_->AnswerBy(deadline, std::move(late));
  }
  std::unique_ptr<http::BodyStream> StartStream(http::Response head) override {
    Add(head);
    return next_->StartStream(std::move(head));
  }

 private:
  void Add(http::Response& response) const {
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
  }
  const http::Headers headers_;
  const std::unique_ptr<http::Responder> next_;
};

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool Has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

bool MatchesOrigin(std::string_view pattern, std::string_view origin) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return EqualsIgnoreCase(pattern, origin);
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  return origin.size() >= before.size() + after.size() &&
         EqualsIgnoreCase(origin.substr(0, before.size()), before) &&
         EqualsIgnoreCase(origin.substr(origin.size() - after.size()), after);
}

Cors::Cors(CorsOptions options)
    : options_(std::move(options)),
      any_origin_(Has(options_.allowed_origins, "*")),
      any_header_(Has(options_.allowed_headers, "*")) {}

bool Cors::Allows(std::string_view origin) const {
  return std::any_of(options_.allowed_origins.begin(), options_.allowed_origins.end(),
                     [&](const std::string& pattern) { return MatchesOrigin(pattern, origin); });
}

bool Cors::AllowsHeaders(std::string_view names) const {
  if (any_header_) return true;
  for (const std::string_view part : Split(names, ',')) {
    const std::string_view name = TrimAscii(part);
    const auto same = [&](std::string_view allowed) { return EqualsIgnoreCase(allowed, name); };
    if (!name.empty() && !std::any_of(kAlwaysAllowed.begin(), kAlwaysAllowed.end(), same) &&
        !std::any_of(options_.allowed_headers.begin(), options_.allowed_headers.end(), same)) {
      return false;
    }
  }
  return true;
}

void Cors::AddOrigin(std::string_view origin, http::Headers& headers) const {
  headers.emplace_back("Access-Control-Allow-Origin", any_origin_ ? "*" : std::string(origin));
  headers.emplace_back("Access-Control-Allow-Credentials", "true");
}

std::optional<http::Response> Cors::Preflight(const http::Request& request) const {
  if (!enabled() || request.method != "OPTIONS") return std::nullopt;
  const auto method = http::FindHeader(request.headers, "Access-Control-Request-Method");
  if (!method) return std::nullopt;
  http::Response response{.status = 204};
  response.headers.emplace_back("Vary", kVary);
  const auto origin = http::FindHeader(request.headers, "Origin");
  const std::string_view names =
      http::FindHeader(request.headers, "Access-Control-Request-Headers").value_or("");
  // What is not allowed is answered without a word: the browser refuses it then.
  if (!origin || !Allows(*origin) || *method != "POST" || !AllowsHeaders(names)) return response;
  AddOrigin(*origin, response.headers);
  response.headers.emplace_back("Access-Control-Allow-Methods", "POST");
  if (!names.empty()) {
    response.headers.emplace_back("Access-Control-Allow-Headers", std::string(names));
  }
  if (options_.max_age.count() > 0) {
    response.headers.emplace_back("Access-Control-Max-Age",
                                  std::to_string(options_.max_age.count()));
  }
  return response;
}

std::unique_ptr<http::Responder> Cors::Tell(const http::Headers& request,
                                            std::unique_ptr<http::Responder> responder) const {
  if (!enabled()) return responder;
  http::Headers headers = {{"Vary", "Origin"}};
  const auto origin = http::FindHeader(request, "Origin");
  if (origin && Allows(*origin)) {
    AddOrigin(*origin, headers);
    if (!options_.exposed_headers.empty()) {
      headers.emplace_back("Access-Control-Expose-Headers", Joined(options_.exposed_headers));
    }
  }
  return std::make_unique<Telling>(std::move(headers), std::move(responder));
}

}  // namespace wirespan::gateway
