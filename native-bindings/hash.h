// A keyed hash of flow keys: the seed is drawn per process, so that nobody can choose keys that collide.
// Multiply-and-fold over 64-bit words, as in wyhash (https://github.com/wangyi-fudan/wyhash).
#pragma once
#include <cstddef>
#include <cstdint>

#include "bytes.h"

namespace windrow {

struct HashSeed {
  uint64_t words[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d};
};

inline uint64_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 m = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(m) ^ static_cast<uint64_t>(m >> 64);
}

// `size` is a multiple of 8, and known where it matters: then this is a handful of multiplications.
[[gnu::always_inline]] inline uint64_t hash_bytes(const void* data, size_t size, const HashSeed& seed) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  uint64_t h = seed.words[2];
  size_t i = 0;
  for (; i + 16 <= size; i += 16) h = fold(load_le64(p + i) ^ seed.words[0] ^ h, load_le64(p + i + 8) ^ seed.words[1]);
  if (i < size) h = fold(load_le64(p + i) ^ seed.words[0] ^ h, seed.words[3]);
  return fold(h ^ seed.words[3], seed.words[1]);
}

// The same of 16 bytes that are two words.
[[gnu::always_inline]] inline uint64_t hash_words(uint64_t first, uint64_t second, const HashSeed& seed) {
  uint64_t h = fold(first ^ seed.words[0] ^ seed.words[2], second ^ seed.words[1]);
  return fold(h ^ seed.words[3], seed.words[1]);
}

}  // namespace windrow
