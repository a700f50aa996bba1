#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace wirespan {

// Text that owns its bytes or borrows them from somebody who keeps them longer. What is assigned is
// copied and owned; only Borrow and TextBlock make borrowed ones. A copy always owns its bytes; a
// move keeps whichever it was. 16 bytes, at most 4 GiB - 1 of text (more is cut).
class Text {
 public:
  Text() = default;
  template <class From>
    requires(std::convertible_to<const From&, std::string_view> &&
             !std::same_as<std::remove_cvref_t<From>, Text>)
  Text(const From& text) : Text(Owned(std::string_view(text))) {}  // as std::string converts
  Text(const Text& other) : Text(Owned(other.view())) {}
  Text(Text&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        owned_(std::exchange(other.owned_, false)) {}
  Text& operator=(const Text& other) {
    if (this != &other) *this = Text(other);
    return *this;
  }
  Text& operator=(Text&& other) noexcept {
    if (this == &other) return *this;
    Drop();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    owned_ = std::exchange(other.owned_, false);
    return *this;
  }
  ~Text() { Drop(); }

  // Points to `text`, which must live as long as this is read, moved or assigned elsewhere.
  static Text Borrow(std::string_view text) { return {text.data(), text.size(), false}; }

  std::string_view view() const { return {data_, size_}; }
  operator std::string_view() const { return view(); }
  std::string str() const { return std::string(view()); }
  const char* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Of its own memory.
  std::size_t heap_bytes() const { return owned_ ? size_ : 0; }

  friend bool operator==(const Text& a, const Text& b) { return a.view() == b.view(); }
  template <class Other>
    requires(std::convertible_to<const Other&, std::string_view> && !std::same_as<Other, Text>)
  friend bool operator==(const Text& a, const Other& b) {
    return a.view() == std::string_view(b);
  }
  template <class Stream>
  friend Stream& operator<<(Stream& out, const Text& text) {
    out << text.view();
    return out;
  }

 private:
  Text(const char* data, std::size_t size, bool owned)
      : data_(data),
        size_(static_cast<std::uint32_t>(std::min<std::size_t>(size, UINT32_MAX))),
        owned_(owned) {}
  static Text Owned(std::string_view text) {
    if (text.empty()) return {};
    text = text.substr(0, UINT32_MAX);
    char* bytes = new char[text.size()];
    std::memcpy(bytes, text.data(), text.size());
    return {bytes, text.size(), true};
  }
  void Drop() {
    if (owned_) delete[] data_;
  }

  const char* data_ = nullptr;
  std::uint32_t size_ = 0;
  bool owned_ = false;
};

// The bytes of several texts in one piece of memory: what would be many small allocations is one.
// Its texts live as long as it does; moving it leaves them where they are. A copy is empty, because
// copied texts own their bytes.
class TextBlock {
 public:
  TextBlock() = default;
  TextBlock(const TextBlock&) {}
  TextBlock& operator=(const TextBlock&) { return *this; }
  TextBlock(TextBlock&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  TextBlock& operator=(TextBlock&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // Room for so many bytes. Call it once, before the first Add.
  void Reserve(std::size_t bytes) {
    bytes_.reset(new char[bytes]);
    size_ = 0;
    capacity_ = static_cast<std::uint32_t>(bytes);
  }
  // A copy of `text` in here; one that owns its bytes where no room is left.
  Text Add(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > capacity_ - size_) return Text(text);
    char* const at = bytes_.get() + size_;
    std::memcpy(at, text.data(), text.size());
    size_ += static_cast<std::uint32_t>(text.size());
    return Text::Borrow({at, text.size()});
  }
  std::size_t heap_bytes() const { return bytes_ != nullptr ? capacity_ : 0; }

 private:
  std::unique_ptr<char[]> bytes_{};
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace wirespan
