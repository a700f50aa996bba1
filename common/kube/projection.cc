#include "common/kube/projection.h"

#include <cassert>

namespace wirespan::kube {
namespace {

// "a.b[].c" -> "a", "b", "[]", "c".
std::string_view NextStep(std::string_view& path) {
  if (path.starts_with("[]")) {
    const std::string_view step = path.substr(0, 2);
    path.remove_prefix(2);
    return step;
  }
  if (path.starts_with('.')) path.remove_prefix(1);
  const std::string_view step = path.substr(0, path.find_first_of(".["));
  path.remove_prefix(step.size());
  return step;
}

}  // namespace

int Projection::Make(bool by_key) {
  nodes_.push_back({.by_key = by_key});
  return static_cast<int>(nodes_.size()) - 1;
}

std::size_t Projection::Add(std::string_view path) {
  int node = 0;
  while (!path.empty()) {
    const std::string_view step = NextStep(path);
    assert(!step.empty());
    int next = kNothing;
    if (step == "[]") {
      next = Element(node) != kNothing ? Element(node) : Make(false);
      nodes_[Index(node)].element = next;
    } else if (step == "*") {
      next = nodes_[Index(node)].any != kNothing ? nodes_[Index(node)].any : Make(true);
      nodes_[Index(node)].any = next;
    } else {
      next = Named(node, step);
      if (next == kNothing) {
        next = Make(false);
        nodes_[Index(node)].named.emplace_back(step, next);
      }
    }
    node = next;
  }
  nodes_[Index(node)].path = static_cast<int>(paths_);
  return paths_++;
}

int Projection::Named(int node, std::string_view name) const {
  const Node& here = nodes_[Index(node)];
  for (const auto& [known, next] : here.named) {
    if (known == name) return next;
  }
  return here.any;
}

int Projection::NodeAt(std::string_view path) const {
  int node = 0;
  while (!path.empty() && node != kNothing) {
    const std::string_view step = NextStep(path);
    node = step == "[]" ? Element(node) : Named(node, step);
  }
  return node;
}

std::string_view Object::Get(std::size_t path) const {
  for (const Field& field : fields) {
    if (field.path == path) return field.value;
  }
  return {};
}

void Object::Clear() {
  fields.clear();
  bytes = 0;
  cut = false;
}

}  // namespace wirespan::kube
