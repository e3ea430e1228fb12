// Makes the memory of native-bindings/pages.h end where it was asked to end, so that the address sanitizer sees what
// reads or writes past it, on either side. To be included before it.
#pragma once
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

constexpr size_t kPoisonedBytes = 4096;  // in front, and at least as many behind

// Not from the heap: memory that the kernel gives is zeroed, and free of cost until it is touched, as the real one is.
inline size_t bytes_with_poison(size_t bytes) { return (bytes + 4095) / 4096 * 4096 + 2 * kPoisonedBytes; }

inline void* map_between_poison(size_t bytes) {
  size_t all = bytes_with_poison(bytes);
  void* memory = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return MAP_FAILED;
  uint8_t* first = static_cast<uint8_t*>(memory) + kPoisonedBytes;
  ASAN_POISON_MEMORY_REGION(memory, kPoisonedBytes);
  ASAN_POISON_MEMORY_REGION(first + bytes, all - kPoisonedBytes - bytes);
  return first;
}

inline void unmap_between_poison(void* first, size_t bytes) {
  void* memory = static_cast<uint8_t*>(first) - kPoisonedBytes;
  // Whatever comes to stand at these addresses is not poisoned.
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes_with_poison(bytes));
  munmap(memory, bytes_with_poison(bytes));
}

#define mmap(address, bytes, protection, flags, file, offset) map_between_poison(bytes)
#define munmap(address, bytes) unmap_between_poison(address, bytes)
#define madvise(address, bytes, advice) ((void)(address), (void)(bytes), 0)
