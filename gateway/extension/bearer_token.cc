#include "common/base/strings.h"
#include "common/http/credentials.h"
#include "gateway/extension/authenticators.h"
#include "gateway/extension/watched_file.h"

namespace wirespan::gateway {

namespace {

// The tokens as they are now, from the configuration or from the file (one a line).
class Tokens {
 public:
  Tokens(BearerTokenOptions options, std::unique_ptr<WatchedFile> file)
      : options_(std::move(options)), file_(std::move(file)) {}

  const BearerTokenOptions& options() const { return options_; }

  // Calls `work(token)` for each until it returns true; whether one did.
  template <class Work>
  bool Any(Work work) const {
    if (!file_) {
      for (const SecretString& token : options_.tokens) {
        if (work(std::string_view(token.reveal()))) return true;
      }
      return false;
    }
    const auto content = file_->Get();
    for (std::string_view line : Split(content->text, '\n')) {
      line = TrimAscii(line);
      if (!line.empty() && work(line)) return true;
    }
    return false;
  }

  // "Bearer abc", or the token alone where the scheme is empty.
  std::string Value(std::string_view token) const {
    return options_.scheme.empty() ? std::string(token)
                                   : options_.scheme + " " + std::string(token);
  }

 private:
  const BearerTokenOptions options_;
  const std::unique_ptr<WatchedFile> file_;
};

class BearerServer : public ServerAuthenticator {
 public:
  explicit BearerServer(std::unique_ptr<Tokens> tokens)
      : tokens_(std::move(tokens)),
        challenge_(tokens_->options().scheme.empty() ? "Bearer" : tokens_->options().scheme) {}

  Outcome Authenticate(const FindHeader& find, AuthAttributes*) const override {
    const auto header = find(tokens_->options().header);
    if (!header) {
      return Outcome::Reject(StatusCode::kUnauthenticated,
                             "no " + tokens_->options().header + " header");
    }
    const bool good = tokens_->Any(
        [&](std::string_view token) { return http::EqualSecrets(*header, tokens_->Value(token)); });
    if (good) return {};
    return Outcome::Reject(StatusCode::kUnauthenticated, "the token is not a valid one");
  }
  std::string_view challenge() const override { return challenge_; }

 private:
  const std::unique_ptr<Tokens> tokens_;
  const std::string challenge_;
};

class BearerClient : public ClientAuthenticator {
 public:
  explicit BearerClient(std::unique_ptr<Tokens> tokens) : tokens_(std::move(tokens)) {}

  Result<> Apply(const Metadata*, HeaderList& headers) const override {
    const bool found = tokens_->Any([&](std::string_view token) {
      SetHeader(headers, tokens_->options().header, tokens_->Value(token));
      return true;
    });
    if (!found) return Fail(ErrorCode::kUnavailable, "the token file holds no token");
    return {};
  }

 private:
  const std::unique_ptr<Tokens> tokens_;
};

Result<std::unique_ptr<Tokens>> Open(const BearerTokenOptions& options, const Clock& clock) {
  std::unique_ptr<WatchedFile> file;
  if (!options.filename.empty()) {
    auto opened = WatchedFile::Open(options.filename, clock);
    if (!opened) return tl::unexpected(opened.error());
    file = std::move(*opened);
  }
  return std::make_unique<Tokens>(options, std::move(file));
}

}  // namespace

Result<std::unique_ptr<ServerAuthenticator>> CreateBearerServer(const BearerTokenOptions& options,
                                                                const Clock& clock) {
  auto tokens = Open(options, clock);
  if (!tokens) return tl::unexpected(tokens.error());
  return std::make_unique<BearerServer>(std::move(*tokens));
}

Result<std::unique_ptr<ClientAuthenticator>> CreateBearerClient(const BearerTokenOptions& options,
                                                                const Clock& clock) {
  auto tokens = Open(options, clock);
  if (!tokens) return tl::unexpected(tokens.error());
  return std::make_unique<BearerClient>(std::move(*tokens));
}

}  // namespace wirespan::gateway
