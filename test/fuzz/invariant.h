// What a fuzz target does when something does not hold: it says what, and stops where the sanitizers show how it came to that.
#pragma once
#include <cstdio>
#include <cstdlib>

// A macro for its text and its place; nothing else.
#define MUST(condition)                                                                       \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);          \
      abort();                                                                                \
    }                                                                                         \
  } while (false)
