#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/text.h"

namespace wirespan::span {

// One of the kinds that our attributes have. Text may be borrowed; a copy owns its own.
class AttributeValue {
 public:
  AttributeValue() = default;
  template <class From>
    requires std::convertible_to<const From&, std::string_view>
  AttributeValue(const From& text) : text_(text), kind_(Kind::kText) {}
  AttributeValue(std::int64_t number) : bits_(number), kind_(Kind::kInt) {}
  AttributeValue(double number)
      : bits_(std::bit_cast<std::int64_t>(number)), kind_(Kind::kDouble) {}
  AttributeValue(std::same_as<bool> auto truth) : bits_(truth), kind_(Kind::kBool) {}

  // The value, if it is of that kind.
  std::optional<std::string_view> text() const {
    return kind_ == Kind::kText ? std::optional(text_.view()) : std::nullopt;
  }
  std::optional<std::int64_t> number() const {
    return kind_ == Kind::kInt ? std::optional(bits_) : std::nullopt;
  }
  std::optional<double> real() const {
    return kind_ == Kind::kDouble ? std::optional(std::bit_cast<double>(bits_)) : std::nullopt;
  }
  std::optional<bool> truth() const {
    return kind_ == Kind::kBool ? std::optional(bits_ != 0) : std::nullopt;
  }
  // It is a text, and known to be UTF-8.
  bool utf8() const { return utf8_; }

  void SetUtf8(Text text) {
    text_ = std::move(text);
    kind_ = Kind::kText;
    utf8_ = true;
  }
  void SetNumber(std::int64_t number) {
    text_ = {};  // what it pointed to is gone, and a copy of this would read it
    bits_ = number;
    kind_ = Kind::kInt;
    utf8_ = false;
  }

 private:
  enum class Kind : std::uint8_t { kInt, kText, kBool, kDouble };
  Text text_{};
  std::int64_t bits_ = 0;
  Kind kind_ = Kind::kInt;
  bool utf8_ = false;
};

// A key is one of the constants of attribute_names.h (static storage).
struct Attribute {
  std::string_view key{};
  AttributeValue value{};
};

// The attributes of one span, in order. Keeps its memory when it is cleared and written again: one
// list, used over and over, allocates nothing.
class AttributeList {
 public:
  AttributeList() = default;
  AttributeList(std::initializer_list<Attribute> list) : items_(list), size_(list.size()) {}
  AttributeList(const AttributeList& other)
      : items_(other.begin(), other.end()), size_(other.size_) {}
  AttributeList& operator=(const AttributeList& other) {
    items_.assign(other.begin(), other.end());
    size_ = other.size_;
    return *this;
  }
  AttributeList(AttributeList&& other) noexcept
      : items_(std::move(other.items_)), size_(std::exchange(other.size_, 0)) {}
  AttributeList& operator=(AttributeList&& other) noexcept {
    items_ = std::move(other.items_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  void Clear() { size_ = 0; }
  void push_back(Attribute attribute) { Next(attribute.key) = std::move(attribute.value); }
  void AddUtf8(std::string_view key, Text text) { Next(key).SetUtf8(std::move(text)); }
  void AddNumber(std::string_view key, std::int64_t number) { Next(key).SetNumber(number); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Attribute& operator[](std::size_t i) const { return items_[i]; }
  const Attribute* begin() const { return items_.data(); }
  const Attribute* end() const { return items_.data() + size_; }

 private:
  // The value of one more attribute; it still holds what a former span left in its place.
  AttributeValue& Next(std::string_view key) {
    if (size_ == items_.size()) items_.emplace_back();
    Attribute& item = items_[size_++];
    item.key = key;
    return item.value;
  }

  std::vector<Attribute> items_{};  // the first size_ ones count
  std::size_t size_ = 0;
};

}  // namespace wirespan::span
