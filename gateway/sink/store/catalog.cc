#include "gateway/sink/store/catalog.h"

#include <algorithm>

#include "common/otlp/wire.h"

// Names and edges are protobuf messages, so that fields can be added:
//
//   Names  1 service*   service    1 name, 2 operation*   operation  1 name, 2 kind
//   Edges  1 edge*      edge       1 minute, 2 parent, 3 child, 4 calls
namespace wirespan::gateway::store {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using otlp::Writer;

std::string EncodeNames(const Names& names) {
  Writer out;
  for (const auto& [service, operations] : names) {
    const Writer::Mark mark = out.Begin(1, 1000);
    out.Bytes(1, service);
    for (const Operation& operation : operations) {
      const Writer::Mark inner = out.Begin(2, 60);
      out.Bytes(1, operation.name);
      out.Varint(2, operation.kind);
      out.End(inner);
    }
    out.End(mark);
  }
  return out.Take();
}

std::optional<Names> DecodeNames(std::string_view bytes) {
  Names names;
  Reader top(bytes);
  for (Field entry; top.Next(entry);) {
    if (!entry.Is(1, WireType::kBytes)) continue;
    std::string service;
    std::set<Operation> operations;
    Reader reader(entry.bytes);
    for (Field field; reader.Next(field);) {
      if (field.Is(1, WireType::kBytes)) service = field.bytes;
      if (!field.Is(2, WireType::kBytes)) continue;
      Operation operation;
      Reader inner(field.bytes);
      for (Field part; inner.Next(part);) {
        if (part.Is(1, WireType::kBytes)) operation.name = part.bytes;
        if (part.Is(2, WireType::kVarint)) operation.kind = part.value;
      }
      if (!inner.ok()) return std::nullopt;
      operations.insert(std::move(operation));
    }
    if (!reader.ok()) return std::nullopt;
    names[service].merge(operations);
  }
  if (!top.ok()) return std::nullopt;
  return names;
}

void Catalog::Add(std::uint64_t block, const std::string& service, std::string_view name,
                  std::uint64_t kind) {
  auto& operations = names_[service];
  Operation operation{std::string(name), kind};
  const auto known = operations.find(operation);
  if (known != operations.end()) {
    known->second = std::max(known->second, block);
    return;
  }
  if (operations_ >= max_operations_) {
    ++left_out_;
    if (operations.empty()) names_.erase(service);
    return;
  }
  ++operations_;
  operations.emplace(std::move(operation), block);
}

void Catalog::Add(std::uint64_t block, const Names& names) {
  for (const auto& [service, operations] : names) {
    for (const Operation& operation : operations)
      Add(block, service, operation.name, operation.kind);
  }
}

void Catalog::Forget(std::uint64_t first_kept) {
  for (auto service = names_.begin(); service != names_.end();) {
    operations_ -= std::erase_if(service->second,
                                 [&](const auto& entry) { return entry.second < first_kept; });
    service = service->second.empty() ? names_.erase(service) : std::next(service);
  }
}

std::vector<std::string> Catalog::services() const {
  std::vector<std::string> services;
  for (const auto& [service, operations] : names_) services.push_back(service);
  return services;
}

std::vector<Operation> Catalog::operations(std::string_view service) const {
  std::vector<Operation> found;
  const auto entry = names_.find(service);
  if (entry == names_.end()) return found;
  for (const auto& [operation, block] : entry->second) found.push_back(operation);
  return found;
}

std::string EncodeEdges(const Edges& edges) {
  Writer out;
  for (const auto& [edge, calls] : edges) {
    const Writer::Mark mark = out.Begin(1, 60);
    out.Varint(1, edge.minute);
    out.Bytes(2, edge.parent);
    out.Bytes(3, edge.child);
    out.Varint(4, calls);
    out.End(mark);
  }
  return out.Take();
}

std::optional<Edges> DecodeEdges(std::string_view bytes) {
  Edges edges;
  Reader top(bytes);
  for (Field entry; top.Next(entry);) {
    if (!entry.Is(1, WireType::kBytes)) continue;
    Edge edge;
    std::uint64_t calls = 0;
    Reader reader(entry.bytes);
    for (Field field; reader.Next(field);) {
      if (field.Is(1, WireType::kVarint)) edge.minute = field.value;
      if (field.Is(2, WireType::kBytes)) edge.parent = field.bytes;
      if (field.Is(3, WireType::kBytes)) edge.child = field.bytes;
      if (field.Is(4, WireType::kVarint)) calls = field.value;
    }
    if (!reader.ok()) return std::nullopt;
    edges[edge] += calls;
  }
  if (!top.ok()) return std::nullopt;
  return edges;
}

}  // namespace wirespan::gateway::store
