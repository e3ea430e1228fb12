// A list that grows without moving what is in it, so that no packet waits for a copy of all before.
#pragma once
#include <cstddef>
#include <vector>

namespace windrow {

// The first block grows as a vector does: a short list takes no more than it needs.
template <typename T, size_t kBlock>
class GrowingList {
 public:
  size_t size() const { return size_; }
  T& operator[](size_t i) { return blocks_[i / kBlock][i % kBlock]; }
  const T& operator[](size_t i) const { return blocks_[i / kBlock][i % kBlock]; }

  void push_back(const T& value) {
    size_t block = size_ / kBlock;
    if (block == blocks_.size()) {
      blocks_.emplace_back();
      if (block > 0) blocks_.back().reserve(kBlock);
    }
    blocks_[block].push_back(value);
    size_++;
  }

  // Keeps its memory.
  void clear() {
    for (std::vector<T>& block : blocks_) block.clear();
    size_ = 0;
  }

 private:
  std::vector<std::vector<T>> blocks_;
  size_t size_ = 0;
};

}  // namespace windrow
