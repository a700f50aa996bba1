#include <map>
#include <mutex>
#include <set>

#include "common/base/strings.h"
#include "common/http/credentials.h"
#include "gateway/extension/authenticators.h"
#include "gateway/extension/watched_file.h"

namespace wirespan::gateway {

namespace {

constexpr std::size_t kMaxRemembered = 1024;

using Passwords = std::map<std::string, std::string, std::less<>>;

// "user:password" lines, as htpasswd writes them; blank ones and comments are passed over.
void ReadPasswords(std::string_view text, Passwords& out) {
  for (std::string_view line : Split(text, '\n')) {
    line = TrimAscii(line);
    const std::size_t colon = line.find(':');
    if (line.empty() || line.front() == '#' || colon == std::string_view::npos) continue;
    out.insert_or_assign(std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)));
  }
}

Outcome Refused(const char* why) { return Outcome::Reject(StatusCode::kUnauthenticated, why); }

class BasicServer : public ServerAuthenticator {
 public:
  BasicServer(Passwords inline_passwords, std::unique_ptr<WatchedFile> file)
      : inline_(std::move(inline_passwords)), file_(std::move(file)) {
    const std::lock_guard lock(mutex_);
    Refresh();
  }

  Outcome Authenticate(const FindHeader& find, AuthAttributes* found) const override {
    std::string user;
    Outcome outcome = Check(find, user);
    if (outcome.ok() && found != nullptr) found->emplace_back("username", std::move(user));
    return outcome;
  }

  std::string_view challenge() const override { return "Basic realm=\"wirespan\""; }

 private:
  Outcome Check(const FindHeader& find, std::string& user) const {
    const auto header = find("authorization");
    if (!header) return Refused("no authorization header");
    if (header->size() > 8192 || !EqualsIgnoreCase(header->substr(0, 6), "basic ")) {
      return Refused("the authorization header is not of the scheme Basic");
    }
    const auto pair = http::DecodeBase64(TrimAscii(header->substr(6)));
    const std::size_t colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) return Refused("the authorization header is not user:password");
    user = pair->substr(0, colon);
    const std::string password = pair->substr(colon + 1);
    const std::string seal = http::Sha256({user, password});
    std::string stored;
    std::uint64_t version = 0;
    {
      const std::lock_guard lock(mutex_);
      Refresh();
      if (known_.contains(seal)) return {};
      const auto found = passwords_.find(user);
      if (found == passwords_.end()) return Refused("unknown user or wrong password");
      stored = found->second;
      version = version_;
    }
    if (!http::PasswordMatches(stored, password)) return Refused("unknown user or wrong password");
    const std::lock_guard lock(mutex_);
    if (version == version_) {
      if (known_.size() >= kMaxRemembered) known_.clear();
      known_.insert(seal);
    }
    return {};
  }

  // mutex_ held. The file's users come over the inline ones.
  void Refresh() const {
    const auto content = file_ ? file_->Get() : nullptr;
    const std::uint64_t version = content ? content->version : 1;
    if (version == version_) return;
    version_ = version;
    passwords_ = inline_;
    if (content) ReadPasswords(content->text, passwords_);
    known_.clear();
  }

  const Passwords inline_;
  const std::unique_ptr<WatchedFile> file_;
  mutable std::mutex mutex_;  // guards everything below
  mutable std::uint64_t version_ = 0;
  mutable Passwords passwords_{};
  mutable std::set<std::string, std::less<>> known_{};  // Sha256 of user and password let in
};

class BasicClient : public ClientAuthenticator {
 public:
  BasicClient(BasicAuthOptions options, std::unique_ptr<WatchedFile> user_file,
              std::unique_ptr<WatchedFile> password_file)
      : options_(std::move(options)),
        user_file_(std::move(user_file)),
        password_file_(std::move(password_file)) {}

  Result<> Apply(const Metadata*, HeaderList& headers) const override {
    SetHeader(headers, "authorization",
              http::BasicCredentials(
                  user_file_ ? user_file_->Get()->text : options_.username,
                  password_file_ ? password_file_->Get()->text : options_.password.reveal()));
    return {};
  }

 private:
  const BasicAuthOptions options_;
  const std::unique_ptr<WatchedFile> user_file_;
  const std::unique_ptr<WatchedFile> password_file_;
};

Result<std::unique_ptr<WatchedFile>> OpenIfNamed(const std::string& path, const Clock& clock) {
  if (path.empty()) return nullptr;
  return WatchedFile::Open(path, clock);
}

}  // namespace

void SetHeader(HeaderList& headers, const std::string& name, std::string value) {
  std::erase_if(headers, [&](const auto& header) { return EqualsIgnoreCase(header.first, name); });
  headers.emplace_back(name, std::move(value));
}

Result<std::unique_ptr<ServerAuthenticator>> CreateBasicServer(const BasicAuthOptions& options,
                                                               const Clock& clock) {
  Passwords passwords;
  ReadPasswords(options.htpasswd_inline.reveal(), passwords);
  auto file = OpenIfNamed(options.htpasswd_file, clock);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<BasicServer>(std::move(passwords), std::move(*file));
}

Result<std::unique_ptr<ClientAuthenticator>> CreateBasicClient(const BasicAuthOptions& options,
                                                               const Clock& clock) {
  auto user = OpenIfNamed(options.username_file, clock);
  if (!user) return tl::unexpected(user.error());
  auto password = OpenIfNamed(options.password_file, clock);
  if (!password) return tl::unexpected(password.error());
  return std::make_unique<BasicClient>(options, std::move(*user), std::move(*password));
}

}  // namespace wirespan::gateway
