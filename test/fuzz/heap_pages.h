// Makes the arenas of native-bindings/slots.h come from the heap, so that the address sanitizer sees their ends.
// To be included before it.
#pragma once
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

inline void* heap_map(size_t bytes) {
  void* p = nullptr;
  if (posix_memalign(&p, 64, bytes)) return MAP_FAILED;
  return memset(p, 0, bytes);
}

#define mmap(address, bytes, protection, flags, file, offset) heap_map(bytes)
#define munmap(address, bytes) (free(address), (void)(bytes))
#define madvise(address, bytes, advice) ((void)(address), (void)(bytes), 0)
