#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Which fields of an object are wanted. A pod as the API server sends it has some 10 kB; a table
// keeps a few hundred bytes of it.
namespace wirespan::kube {

// A tree of names. Paths are written as
//
//   metadata.name                        a field of nested objects
//   metadata.labels.*                    every field of an object: its name comes as Field::key
//   status.containerStatuses[].name      of every element of a list: its number comes as
//   Field::item
class Projection {
 public:
  static constexpr int kNothing = -1;

  // The number of the path; they count from 0 in the order added. Paths are the program's own:
  // asserted, not checked.
  std::size_t Add(std::string_view path);

  // Steps from the root (0); kNothing: nobody wants what is below.
  int Named(int node, std::string_view name) const;
  int Element(int node) const { return nodes_[Index(node)].element; }
  // The path that ends here, or kNothing.
  int path(int node) const { return nodes_[Index(node)].path; }
  // Whether `node` was reached by a '*'.
  bool by_key(int node) const { return nodes_[Index(node)].by_key; }
  // Where a path leads, whether or not it was added as wanted.
  int NodeAt(std::string_view path) const;

 private:
  struct Node {
    std::vector<std::pair<std::string, int>> named{};
    int any = kNothing;      // '*'
    int element = kNothing;  // "[]"
    int path = kNothing;
    bool by_key = false;
  };
  static std::size_t Index(int node) { return static_cast<std::size_t>(node); }
  int Make(bool by_key);

  std::vector<Node> nodes_{1};
  std::size_t paths_ = 0;
};

struct Field {
  std::size_t path = 0;    // Projection::Add's number
  std::uint32_t item = 0;  // of the innermost list; 0 outside of one
  bool cut = false;        // the value was longer than JsonScanner::kMaxTextBytes
  std::string key{};       // what '*' stood for
  std::string value{};
};

// What is left of an object. Bounded: of what is beyond the bounds only `cut` tells.
struct Object {
  static constexpr std::size_t kMaxFields = 4096;
  static constexpr std::size_t kMaxBytes = 512u << 10;

  std::vector<Field> fields{};
  std::size_t bytes = 0;
  bool cut = false;

  std::string_view Get(std::size_t path) const;  // the first; empty: absent
  void Clear();
};

}  // namespace wirespan::kube
