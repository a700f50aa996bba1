#include "agent/app/control.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

namespace wirespan::app {
namespace {

http::Response Text(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::move(body)};
}

void Watch(WatchHub& hub, const http::Request& request, http::Responder& responder) {
  auto filter = FilterFromJson(request.body);
  if (!filter) return responder.Send(Text(400, filter.error().message + "\n"));
  auto matcher = WatchMatcher::Compile(*filter);
  if (!matcher) return responder.Send(Text(400, matcher.error().message + "\n"));
  if (hub.full()) {
    return responder.Send(
        Text(503, fmt::format("{} watchers are attached already\n", WatchHub::kMaxWatchers)));
  }
  std::shared_ptr<http::BodyStream> stream = responder.StartStream(
      {.status = 200, .headers = {{"Content-Type", "application/x-ndjson"}}, .body = {}});
  if (!stream) return responder.Send(Text(503, "this peer cannot be streamed to\n"));
  // A watcher that reads too slowly loses a line, one that left is forgotten.
  const bool taken = hub.Subscribe(
      std::move(*matcher),
      [stream](const WatchLine&, const std::string& json) {
        return stream->Write(json + "\n") || !stream->gone();
      },
      [stream] { return stream->gone(); });
  if (!taken) stream->Finish();
}

Result<> PrepareFolder(const std::string& path) {
  std::error_code error;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (!error) return {};
  const bool denied = error == std::errc::permission_denied ||
                      error == std::errc::operation_not_permitted ||
                      error == std::errc::read_only_file_system;
  return Fail(denied ? ErrorCode::kPermissionDenied : ErrorCode::kInvalidArgument,
              "control.socket: make folder " + folder.string() + ": " + error.message());
}

Result<> GiveToGroup(const std::string& path, const std::string& group) {
  if (group.empty()) return {};
  const ::group* entry = getgrnam(group.c_str());
  if (entry == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                "control.group: there is no group '" + group + "' on this machine");
  }
  if (chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0)
    return FailErrno("give " + path + " to " + group, errno);
  return {};
}

}  // namespace

std::string FilterToJson(const WatchFilter& filter) {
  return nlohmann::json{{"ports", filter.ports}, {"process", filter.process},
                        {"path", filter.path},   {"status", filter.status},
                        {"side", filter.side},   {"slower_than_ms", filter.slower_than_ms}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<WatchFilter> FilterFromJson(const std::string& text) {
  WatchFilter filter;
  if (text.empty()) return filter;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return Fail(ErrorCode::kInvalidArgument, "the filter is no JSON object");
  try {
    const auto ports = json.value("ports", nlohmann::json::array());
    for (const auto& port : ports) {
      // Turned into a port, a number that is none would be undefined behaviour.
      if (!ports.is_array() || !port.is_number_unsigned() || port.get<std::uint64_t>() > 65535)
        return Fail(ErrorCode::kInvalidArgument, "a port of the filter is none");
      filter.ports.push_back(port.get<std::uint16_t>());
    }
    filter.process = json.value("process", "");
    filter.path = json.value("path", "");
    filter.status = json.value("status", "");
    filter.side = json.value("side", "");
    filter.slower_than_ms = json.value("slower_than_ms", 0.0);
  } catch (const nlohmann::json::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "a field of the filter has the wrong type");
  }
  return filter;
}

Result<std::unique_ptr<http::Server>> StartControl(const std::string& path,
                                                   const std::string& group, WatchHub& hub,
                                                   ControlPages pages) {
  if (auto made = PrepareFolder(path); !made) return tl::unexpected(std::move(made.error()));
  http::ServerOptions options;
  options.unix_path = path;
  options.unix_mode = 0660;
  options.max_body_bytes = 64u << 10;
  options.max_connections = 64;
  auto server = http::Server::Start(
      std::move(options), [&hub, pages = std::move(pages)](
                              http::Request request, std::unique_ptr<http::Responder> responder) {
        if (request.path == "/watch" && request.method == "POST")
          return Watch(hub, request, *responder);
        if (request.path == "/explain" && request.method == "GET") {
          return responder->Send({.status = 200,
                                  .headers = {{"Content-Type", "application/json"}},
                                  .body = pages.explain()});
        }
        if (request.path == "/" && request.method == "GET") {
          return responder->Send(Text(200, "wirespan-agent\n"));
        }
        responder->Send(Text(404, "POST /watch and GET /explain are here\n"));
      });
  if (!server) {
    auto& error = server.error();
    return Fail(error.code,
                "control.socket: " + error.message +
                    (error.message.ends_with("in use")
                         ? "; another agent runs there, `watch` and `explain` attach to it"
                         : ""));
  }
  if (auto given = GiveToGroup(path, group); !given)
    return tl::unexpected(std::move(given.error()));
  return server;
}

}  // namespace wirespan::app
