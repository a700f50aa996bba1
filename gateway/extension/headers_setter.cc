#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "gateway/extension/authenticators.h"
#include "gateway/extension/watched_file.h"

namespace wirespan::gateway {

namespace {

using Action = HeadersSetterOptions::Action;

struct Setting {
  HeadersSetterOptions::Header header{};
  std::unique_ptr<WatchedFile> file{};
};

class HeadersSetter : public ClientAuthenticator {
 public:
  HeadersSetter(std::vector<Setting> settings,
                std::shared_ptr<const ClientAuthenticator> additional)
      : settings_(std::move(settings)), additional_(std::move(additional)) {}

  Result<> Apply(const Metadata* metadata, HeaderList& headers) const override {
    if (additional_) {
      if (auto applied = additional_->Apply(metadata, headers); !applied) return applied;
    }
    for (const Setting& setting : settings_) {
      const std::string& key = setting.header.key;
      const bool there = std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
        return EqualsIgnoreCase(header.first, key);
      });
      switch (setting.header.action) {
        case Action::kDelete:
          std::erase_if(headers,
                        [&](const auto& header) { return EqualsIgnoreCase(header.first, key); });
          continue;
        case Action::kInsert:
          if (there) continue;
          break;
        case Action::kUpdate:
          if (!there) continue;
          break;
        case Action::kUpsert:
          break;
      }
      auto value = ValueOf(setting, metadata);
      if (!value) return tl::unexpected(value.error());
      SetHeader(headers, key, std::move(*value));
    }
    return {};
  }

 private:
  // A header that the request came without is set to default_value or, as in the Collector, to
  // nothing.
  static Result<std::string> ValueOf(const Setting& setting, const Metadata* metadata) {
    const HeadersSetterOptions::Header& header = setting.header;
    if (setting.file) return setting.file->Get()->text;
    if (header.from_context.empty()) {
      return header.value ? header.value->reveal() : std::string();
    }
    const std::vector<std::string>* found =
        metadata == nullptr ? nullptr : metadata->Find(header.from_context);
    if (found != nullptr && found->size() > 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("the request came with {} values of {}: which one is its tenant's?",
                              found->size(), header.from_context));
    }
    if (found != nullptr && !found->empty()) return found->front();
    return header.default_value ? header.default_value->reveal() : std::string();
  }

  const std::vector<Setting> settings_;
  const std::shared_ptr<const ClientAuthenticator> additional_;
};

}  // namespace

Result<std::unique_ptr<ClientAuthenticator>> CreateHeadersSetter(
    const HeadersSetterOptions& options, std::shared_ptr<const ClientAuthenticator> additional,
    const Clock& clock) {
  std::vector<Setting> settings;
  for (const HeadersSetterOptions::Header& header : options.headers) {
    Setting setting{.header = header};
    if (!header.value_file.empty()) {
      auto file = WatchedFile::Open(header.value_file, clock);
      if (!file) return tl::unexpected(file.error());
      setting.file = std::move(*file);
    }
    settings.push_back(std::move(setting));
  }
  return std::make_unique<HeadersSetter>(std::move(settings), std::move(additional));
}

}  // namespace wirespan::gateway
