#include "agent/metric/open_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "common/base/strings.h"

namespace wirespan::metric {
namespace {

void AppendEscaped(std::string& out, std::string_view value, bool quotes) {
  for (const char c : value) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string LabelName(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += ok ? c : '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "key_");
  if (name.starts_with("__"))
    name.insert(0, "key");  // two underscores in front are Prometheus' own
  return name;
}

// Labels by name; keys that become the same name share it, values joined, as the compatibility
// rules say.
using Labels = std::map<std::string, std::string>;

void AddLabel(Labels& labels, std::string_view key, std::string value) {
  const auto [entry, inserted] = labels.try_emplace(LabelName(key), value);
  if (!inserted) entry->second += ";" + value;
}

std::string ValueText(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ",") + item;
  return text;
}
std::string ValueText(std::string_view value) { return std::string(value); }
std::string ValueText(std::int64_t value) { return std::to_string(value); }
std::string ValueText(bool value) { return value ? "true" : "false"; }
std::string ValueText(double value) { return fmt::format("{}", value); }
std::string AttributeText(const span::AttributeValue& value) {
  if (const auto text = value.text()) return ValueText(*text);
  if (const auto number = value.number()) return ValueText(*number);
  if (const auto truth = value.truth()) return ValueText(*truth);
  return ValueText(value.real().value_or(0));
}

std::string Joined(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name;
    out += "=\"";
    AppendEscaped(out, IsUtf8(value) ? value : ToUtf8(value), true);
    out += '"';
  }
  return out;
}

std::string ResourceValue(const span::Resource& resource, std::string_view key) {
  for (const auto& [name, value] : resource.attributes) {
    if (name == key) return std::visit([](const auto& v) { return ValueText(v); }, value);
  }
  return {};
}

Labels TargetLabels(const span::Resource& resource) {
  Labels labels;
  const std::string space = ResourceValue(resource, "service.namespace");
  labels["job"] = space.empty() ? resource.service_name : space + "/" + resource.service_name;
  labels["service_name"] = resource.service_name;
  const std::string instance = ResourceValue(resource, "service.instance.id");
  if (!instance.empty()) labels["instance"] = instance;
  return labels;
}

std::string UnitName(std::string_view unit) {
  if (unit == "s") return "seconds";
  if (unit == "By") return "bytes";
  return LabelName(unit);
}

std::string Number(double value, bool open_metrics) {
  std::string text = fmt::format("{}", value);
  if (!open_metrics && text.ends_with(".0")) text.resize(text.size() - 2);
  if (open_metrics && text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

struct Family {
  const HistogramMetric* metric =
      nullptr;  // any of them: name, unit, description, bounds are the same
  std::map<std::string, HistogramPoint> points{};  // by label text
};

void AddPoint(Family& family, std::string labels, const HistogramPoint& point) {
  const auto [entry, inserted] = family.points.try_emplace(std::move(labels), point);
  if (inserted) return;
  HistogramPoint& sum = entry->second;
  if (sum.bucket_counts.size() != point.bucket_counts.size()) return;
  for (std::size_t i = 0; i < sum.bucket_counts.size(); ++i)
    sum.bucket_counts[i] += point.bucket_counts[i];
  sum.count += point.count;
  sum.sum += point.sum;
  sum.exemplars.insert(sum.exemplars.end(), point.exemplars.begin(), point.exemplars.end());
}

// The newest exemplar in (lower, upper].
const Exemplar* ExemplarIn(const HistogramPoint& point, double lower, double upper, bool first,
                           bool last) {
  const Exemplar* found = nullptr;
  for (const Exemplar& exemplar : point.exemplars) {
    if ((!first && exemplar.value <= lower) || (!last && exemplar.value > upper)) continue;
    if (found == nullptr || exemplar.time_ns > found->time_ns) found = &exemplar;
  }
  return found;
}

void AppendExemplar(std::string& out, const Exemplar& exemplar) {
  const auto hex = [](const auto& id) {
    return ToHex({reinterpret_cast<const char*>(id.data()), id.size()});
  };
  fmt::format_to(std::back_inserter(out), " # {{trace_id=\"{}\",span_id=\"{}\"}} {} {}.{:03}",
                 hex(exemplar.trace_id), hex(exemplar.span_id), Number(exemplar.value, true),
                 exemplar.time_ns / 1'000'000'000, exemplar.time_ns / 1'000'000 % 1000);
}

void AppendPoint(std::string& out, const std::string& name, const std::string& labels,
                 const HistogramPoint& point, const std::vector<double>& bounds,
                 bool open_metrics) {
  auto to = std::back_inserter(out);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= bounds.size() && i < point.bucket_counts.size(); ++i) {
    const bool last = i == bounds.size();
    cumulative += point.bucket_counts[i];
    fmt::format_to(to, "{}_bucket{{{},le=\"{}\"}} {}", name, labels,
                   last ? std::string("+Inf") : Number(bounds[i], open_metrics), cumulative);
    if (open_metrics) {
      const Exemplar* exemplar =
          ExemplarIn(point, i == 0 ? 0 : bounds[i - 1], last ? 0 : bounds[i], i == 0, last);
      if (exemplar != nullptr) AppendExemplar(out, *exemplar);
    }
    out += '\n';
  }
  fmt::format_to(to, "{}_sum{{{}}} {}\n", name, labels, Number(point.sum, open_metrics));
  fmt::format_to(to, "{}_count{{{}}} {}\n", name, labels, point.count);
}

void AppendTargets(std::string& out, const Snapshot& snapshot, bool open_metrics) {
  if (snapshot.empty()) return;
  out += open_metrics ? "# TYPE target info\n# HELP target Target metadata\n"
                      : "# HELP target_info Target metadata\n# TYPE target_info gauge\n";
  std::set<std::string> seen;  // one line for each job and instance
  for (const ResourceMetrics& resource : snapshot) {
    Labels labels = TargetLabels(*resource.resource);
    if (!seen.insert(Joined(labels)).second) continue;
    for (const auto& [key, value] : resource.resource->attributes) {
      if (key == "service.name" || key == "service.namespace" || key == "service.instance.id")
        continue;
      AddLabel(labels, key, std::visit([](const auto& v) { return ValueText(v); }, value));
    }
    out += "target_info{" + Joined(labels) + "} 1\n";
  }
}

}  // namespace

std::string_view ContentType(TextFormat format) {
  return format == TextFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

TextFormat FormatFor(std::string_view accept) {
  return accept.find("application/openmetrics-text") != std::string_view::npos
             ? TextFormat::kOpenMetrics
             : TextFormat::kPrometheus;
}

std::string RenderText(const Snapshot& snapshot, TextFormat format) {
  const bool open_metrics = format == TextFormat::kOpenMetrics;
  std::map<std::string, Family> families;
  for (const ResourceMetrics& resource : snapshot) {
    const Labels target = TargetLabels(*resource.resource);
    for (const HistogramMetric& metric : resource.metrics) {
      Family& family = families[LabelName(metric.name) + "_" + UnitName(metric.unit)];
      if (family.metric == nullptr) family.metric = &metric;
      for (const HistogramPoint& point : metric.points) {
        Labels labels = target;
        for (const span::Attribute& attribute : point.attributes) {
          AddLabel(labels, attribute.key, AttributeText(attribute.value));
        }
        AddPoint(family, Joined(labels), point);
      }
    }
  }
  std::string out;
  AppendTargets(out, snapshot, open_metrics);
  for (const auto& [name, family] : families) {
    out += "# HELP " + name + " ";
    AppendEscaped(out, family.metric->description, open_metrics);
    out += "\n# TYPE " + name + " histogram\n";
    if (open_metrics) out += "# UNIT " + name + " " + UnitName(family.metric->unit) + "\n";
    for (const auto& [labels, point] : family.points) {
      AppendPoint(out, name, labels, point, family.metric->bounds, open_metrics);
    }
  }
  if (open_metrics) out += "# EOF\n";
  return out;
}

}  // namespace wirespan::metric
