#include "gateway/extension/status_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "common/base/version.h"

namespace wirespan::gateway {

namespace {

std::string Html(std::string_view text) {
  std::string out;
  for (const char c : ToUtf8(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string Row(std::initializer_list<std::string> cells) {
  std::string row = "<tr>";
  for (const std::string& cell : cells) row += "<td>" + Html(cell) + "</td>";
  return row + "</tr>\n";
}

std::string Table(std::initializer_list<const char*> heads, const std::string& rows) {
  std::string table = "<table><tr>";
  for (const char* head : heads) table += fmt::format("<th>{}</th>", head);
  return table + "</tr>\n" + rows + "</table>\n";
}

std::string Number(std::uint64_t value) { return std::to_string(value); }

std::string PipelineRows(const GatewayState::Facts& facts) {
  std::string rows;
  for (const PipelineView& pipeline : facts.pipelines) {
    rows += Row({pipeline.id, fmt::format("{}", fmt::join(pipeline.receivers, ", ")),
                 fmt::format("{}", fmt::join(pipeline.processors, ", ")),
                 fmt::format("{}", fmt::join(pipeline.exporters, ", "))});
  }
  return rows;
}

std::string ComponentRows(const StatusBoard& board, std::uint64_t now_ns) {
  std::string rows;
  for (const auto& component : board.Components()) {
    const std::uint64_t age_s =
        now_ns > component.changed_ns ? (now_ns - component.changed_ns) / 1'000'000'000 : 0;
    rows +=
        Row({component.kind, component.id, component.part, std::string(StateName(component.state)),
             fmt::format("{} s", age_s), component.message});
  }
  return rows;
}

template <class Map>
std::string DroppedText(const Map& dropped) {
  std::string text;
  for (const auto& [reason, items] : dropped) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_same_v<std::decay_t<decltype(reason)>, std::string>) {
      text += fmt::format("{} {}", items, reason);
    } else {
      text += fmt::format("{} {} ({})", items, reason.second, reason.first);
    }
  }
  return text;
}

void LedgerRows(const LedgerBook& book, std::string& pipelines, std::string& exporters) {
  for (const auto& pipeline : book.Snapshots()) {
    pipelines += Row({pipeline.pipeline, Number(pipeline.entered), DroppedText(pipeline.dropped),
                      Number(pipeline.held), Number(pipeline.passed), Number(pipeline.accepted),
                      Number(pipeline.turned_away)});
    for (const auto& lane : pipeline.exporters) {
      exporters += Row({lane.pipeline, lane.exporter, Number(lane.entered), Number(lane.refused),
                        Number(lane.sent), Number(lane.rejected), DroppedText(lane.dropped),
                        Number(lane.held)});
    }
  }
}

std::string Json(std::string_view text) {
  std::string out = "\"";
  for (const char c : ToUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace

std::vector<ComponentStatus::Snapshot> Troubles(const GatewayState& state) {
  const HealthOptions health = state.facts().health;
  const std::uint64_t now_ns = state.clock().monotonic_ns();
  const auto recovery_ns = static_cast<std::uint64_t>(health.recovery.count()) * 1'000'000;
  std::vector<ComponentStatus::Snapshot> troubles = state.board().Components();
  std::erase_if(troubles, [&](const auto& component) {
    const bool counts =
        component.state == ComponentState::kRefusing ||
        (component.state == ComponentState::kFailed && health.include_permanent_errors) ||
        (component.state == ComponentState::kDegraded && health.include_recoverable_errors);
    return !counts || now_ns - std::min(now_ns, component.changed_ns) < recovery_ns;
  });
  return troubles;
}

std::string StatusHtml(const GatewayState& state) {
  const GatewayState::Facts facts = state.facts();
  std::string pipelines;
  std::string exporters;
  LedgerRows(state.book(), pipelines, exporters);
  std::string text =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>wirespan-gateway"
      "</title><style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;"
      "margin-bottom:1em}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}"
      "</style></head><body>\n";
  text += fmt::format("<h1>wirespan-gateway {}</h1>\n<p>{}. Configuration {}. {}</p>\n",
                      Html(kVersion), facts.ready ? "Takes data" : "Takes no data",
                      Html(facts.config_hash), Html(facts.last_reload));
  text += "<h2>Pipelines</h2>\n" +
          Table({"pipeline", "receivers", "processors", "exporters"}, PipelineRows(facts));
  text +=
      "<h2>Components</h2>\n" + Table({"kind", "id", "part", "state", "for", "why"},
                                      ComponentRows(state.board(), state.clock().monotonic_ns()));
  text +=
      "<h2>Ledger of pipelines</h2>\n<p>entered = dropped + held + passed</p>\n" +
      Table({"pipeline", "entered", "dropped", "held", "passed", "answered ok", "answered not ok"},
            pipelines);
  text +=
      "<h2>Ledger of exporters</h2>\n"
      "<p>entered = refused + sent + rejected + dropped + held</p>\n" +
      Table({"pipeline", "exporter", "entered", "refused", "sent", "rejected", "dropped", "held"},
            exporters);
  return text + "</body></html>\n";
}

std::string ComponentsJson(const std::vector<ComponentStatus::Snapshot>& components) {
  std::string text = "[";
  for (const auto& component : components) {
    if (text.size() > 1) text.push_back(',');
    text += fmt::format(R"({{"kind":{},"id":{},"part":{},"state":{},"message":{}}})",
                        Json(component.kind), Json(component.id), Json(component.part),
                        Json(StateName(component.state)), Json(component.message));
  }
  return text + "]";
}

http::Response StatusResponse(const GatewayState& state, const http::Request& request) {
  if (request.path != "/status" && !request.path.starts_with("/debug")) {
    return {.status = 404, .body = "the status page is at /status\n"};
  }
  return {.status = 200,
          .headers = {{"Content-Type", "text/html; charset=utf-8"}},
          .body = StatusHtml(state)};
}

}  // namespace wirespan::gateway
