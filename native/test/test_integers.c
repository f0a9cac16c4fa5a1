/* Integer columns: exact for any numbers, at the exact size planned, and never past their bytes. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/integers.h"

enum { MOST = 4096 };

static uint64_t numbers[MOST], back[MOST], work[2 * MOST];
static uint8_t bytes[MOST * 11 + 64];
static uint64_t state = 88172645463325252u;

/* xorshift64 (G. Marsaglia, 2003): the same numbers on every run. */
static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* Writes and reads `numbers`; returns the bytes it took. */
static size_t round_trip(size_t count) {
  cairn_integer_plan plan = cairn_plan_integers(numbers, count, work);
  cairn_writer writer = {.data = bytes, .capacity = sizeof bytes};
  cairn_put_integers(&writer, numbers, count, &plan);
  assert(!writer.failed && writer.length == plan.bytes);
  cairn_reader reader = {.data = bytes, .length = writer.length};
  cairn_get_integers(&reader, back, count);
  assert(!reader.failed && reader.position == writer.length);
  assert(memcmp(numbers, back, count * sizeof *numbers) == 0);
  return writer.length;
}

static void extremes_come_back(void) {
  const uint64_t odd[] = {0, 1, UINT64_MAX, (uint64_t)INT64_MAX, (uint64_t)INT64_MIN, (uint64_t)INT64_MIN + 1};
  for (size_t count = 1; count <= 200; count++) {
    for (size_t i = 0; i < count; i++) numbers[i] = odd[next_random() % 6];
    round_trip(count);
  }
  for (size_t i = 0; i < MOST; i++) numbers[i] = i % 2 ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
  round_trip(MOST);
}

static void any_width_comes_back(void) {
  for (unsigned width = 0; width < 64; width++) {
    for (size_t count = 1; count < 70; count += 17) {
      for (size_t i = 0; i < count; i++) numbers[i] = next_random() >> width;
      round_trip(count);
    }
  }
}

static void regular_numbers_cost_nothing(void) {
  for (size_t i = 0; i < MOST; i++) numbers[i] = 42;
  assert(round_trip(MOST) == 2); /* mode, base */
  for (size_t i = 0; i < MOST; i++) numbers[i] = i * 1000;
  assert(round_trip(MOST) == 4); /* mode, 0, and 1000 zigzagged in two bytes */
}

/* By hand: residuals of ±1 zigzag to 1 and 2; at parameter 0 they take 2 and 3 bits, at 1 they take 2 and 3 too. */
static void noise_around_a_value_costs_its_width(void) {
  for (size_t i = 0; i < 64; i++) numbers[i] = 101325 + (next_random() & 1 ? 1 : UINT64_MAX);
  assert(round_trip(64) <= 1 + 3 + 64 * 3 / 8);
}

static void a_common_unit_is_found(void) {
  for (size_t i = 0; i < 64; i++) numbers[i] = 7 + 1000000 * (next_random() % 16);
  assert(round_trip(64) <= 3 + 3 + 2 + 64 * 6 / 8);
}

static void an_outlier_costs_itself_only(void) {
  for (size_t i = 0; i < 64; i++) numbers[i] = next_random() & 3;
  size_t quiet = round_trip(64);
  numbers[30] = UINT64_C(1) << 50;
  assert(round_trip(64) <= quiet + 2 * (CAIRN_RICE_ESCAPE + 6 + 54) / 8 + 1);
}

/* Cut columns fail; wild ones end without reading past their bytes (ASan watches: the memory is exactly as long). */
static void malformed_columns_end(void) {
  for (size_t i = 0; i < 64; i++) numbers[i] = next_random() >> 50;
  size_t length = round_trip(64);
  for (size_t cut = 0; cut < length; cut++) {
    uint8_t *exact = malloc(cut > 0 ? cut : 1);
    assert(exact != NULL);
    memcpy(exact, bytes, cut);
    cairn_reader reader = {.data = exact, .length = cut};
    cairn_get_integers(&reader, back, 64);
    assert(reader.failed);
    free(exact);
  }
  for (int round = 0; round < 20000; round++) {
    size_t wild = 1 + next_random() % 40;
    for (size_t i = 0; i < wild; i++) bytes[i] = (uint8_t)next_random();
    cairn_reader reader = {.data = bytes, .length = wild};
    cairn_get_integers(&reader, back, 1 + next_random() % 64);
    assert(reader.position <= wild);
  }
}

int main(void) {
  extremes_come_back();
  any_width_comes_back();
  regular_numbers_cost_nothing();
  noise_around_a_value_costs_its_width();
  a_common_unit_is_found();
  an_outlier_costs_itself_only();
  malformed_columns_end();
  puts("integers: ok");
  return 0;
}
