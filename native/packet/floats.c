#include "packet/floats.h"

#include <math.h>

#include "packet/block.h"

static const double POWERS[CAIRN_SCALE_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

/* The bits that the last XOR used: [leading zeros, 64 - trailing zeros). Nothing fits before the first one is stated. */
typedef struct {
  unsigned leading;
  unsigned length; /* 0: none yet */
} window;

static bool fits(const window *window, uint64_t difference) {
  unsigned leading = (unsigned)__builtin_clzll(difference), trailing = (unsigned)__builtin_ctzll(difference);
  return window->length > 0 && leading >= window->leading && trailing >= 64 - window->leading - window->length;
}

/* Gorilla gives the leading zeros five bits: more than 31 are said as 31. */
static window window_of(uint64_t difference) {
  unsigned leading = (unsigned)__builtin_clzll(difference), trailing = (unsigned)__builtin_ctzll(difference);
  if (leading > 31) leading = 31;
  return (window){.leading = leading, .length = 64 - leading - trailing};
}

void cairn_put_xor(cairn_writer *writer, const uint64_t *numbers, size_t count) {
  window current = {0, 0};
  cairn_put_bits(writer, numbers[0], 64);
  for (size_t i = 1; i < count; i++) {
    uint64_t difference = numbers[i] ^ numbers[i - 1];
    if (difference == 0) {
      cairn_put_bits(writer, 0, 1);
      continue;
    }
    if (fits(&current, difference)) {
      cairn_put_bits(writer, 2, 2);
    } else {
      current = window_of(difference);
      cairn_put_bits(writer, 3, 2);
      cairn_put_bits(writer, current.leading, 5);
      cairn_put_bits(writer, current.length - 1, 6);
    }
    cairn_put_bits(writer, difference >> (64 - current.leading - current.length), current.length);
  }
  cairn_put_align(writer);
}

size_t cairn_xor_bytes(const uint64_t *numbers, size_t count) {
  window current = {0, 0};
  size_t bits = 64;
  for (size_t i = 1; i < count; i++) {
    uint64_t difference = numbers[i] ^ numbers[i - 1];
    bits += 1;
    if (difference == 0) continue;
    if (!fits(&current, difference)) {
      current = window_of(difference);
      bits += 11;
    }
    bits += 1 + current.length;
  }
  return (bits + 7) / 8;
}

void cairn_get_xor(cairn_reader *reader, uint64_t *numbers, size_t count) {
  window current = {0, 0};
  numbers[0] = cairn_get_bits(reader, 64);
  for (size_t i = 1; i < count && !reader->failed; i++) {
    numbers[i] = numbers[i - 1];
    if (cairn_get_bits(reader, 1) == 0) continue;
    if (cairn_get_bits(reader, 1) == 1) {
      current.leading = (unsigned)cairn_get_bits(reader, 5);
      current.length = (unsigned)cairn_get_bits(reader, 6) + 1;
    }
    if (current.length == 0 || current.leading + current.length > 64) {
      reader->failed = true;
      return;
    }
    numbers[i] ^= cairn_get_bits(reader, current.length) << (64 - current.leading - current.length);
  }
  cairn_get_align(reader);
}

double cairn_from_decimal(int64_t number, unsigned scale) { return (double)number / POWERS[scale]; }

static bool within_bounds(int64_t number) { return number >= -CAIRN_INTEGER_MAX && number <= CAIRN_INTEGER_MAX; }

bool cairn_to_decimal(double value, unsigned scale, int64_t *number) {
  double scaled = round(value * POWERS[scale]);
  if (!(fabs(scaled) <= (double)CAIRN_INTEGER_MAX + 1)) return false;
  *number = (int64_t)scaled;
  if (within_bounds(*number) && cairn_from_decimal(*number, scale) == value) return true;
  /* Near 2^53 the product rounds by more than half: the number that divides back to the value may be a neighbour. */
  for (int64_t step = -1; step <= 1; step += 2) {
    int64_t neighbour = (int64_t)scaled + step;
    if (within_bounds(neighbour) && cairn_from_decimal(neighbour, scale) == value) *number = neighbour;
  }
  return within_bounds(*number);
}
