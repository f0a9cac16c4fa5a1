#include "packet/integers.h"

/* What the predictor of an order gets wrong at i. The first `order` numbers have no residual. */
static uint64_t residual(const uint64_t *numbers, size_t i, unsigned order, uint64_t base) {
  uint64_t predicted = base;
  if (order == 1) predicted = numbers[i - 1];
  if (order == 2) predicted = 2 * numbers[i - 1] - numbers[i - 2];
  return cairn_zigzag(numbers[i] - predicted);
}

static unsigned bit_length(uint64_t value) { return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value); }

static size_t escaped_bits(uint64_t code) { return CAIRN_RICE_ESCAPE + 6 + (code == 0 ? 1 : bit_length(code)); }

static size_t rice_bits(const uint64_t *codes, size_t count, unsigned parameter) {
  size_t bits = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t quotient = codes[i] >> parameter;
    bits += quotient < CAIRN_RICE_ESCAPE ? (size_t)quotient + 1 + parameter : escaped_bits(codes[i]);
  }
  return bits;
}

/* A good first guess: the median's bit length. Outliers don't move it. */
static unsigned median_bit_length(const uint64_t *codes, size_t count) {
  uint16_t histogram[65] = {0};
  for (size_t i = 0; i < count; i++) histogram[bit_length(codes[i])]++;
  size_t below = 0;
  unsigned length = 0;
  while (length < 64 && (below += histogram[length]) * 2 < count) length++;
  return length;
}

/* The cheapest parameter near the guess (downhill on both sides), and its bits. */
static unsigned best_parameter(const uint64_t *codes, size_t count, size_t *bits) {
  unsigned middle = median_bit_length(codes, count);
  unsigned best = middle > 0 ? middle - 1 : 0;
  if (best > 62) best = 62;
  *bits = rice_bits(codes, count, best);
  for (int step = -1; step <= 1; step += 2) {
    for (int next = (int)best + step; next >= 0 && next <= 62; next += step) {
      size_t cost = rice_bits(codes, count, (unsigned)next);
      if (cost >= *bits) break;
      *bits = cost;
      best = (unsigned)next;
    }
  }
  return best;
}

/* The mean by wrapping sums: where they wrap it is a poor base, but never a wrong one. */
static uint64_t mean(const uint64_t *numbers, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 1; i < count; i++) sum += numbers[i] - numbers[0];
  return numbers[0] + (uint64_t)((int64_t)sum / (int64_t)count);
}

static cairn_rice_plan plan_order(const uint64_t *numbers, size_t count, unsigned order, uint64_t *codes) {
  cairn_rice_plan plan = {.order = (uint8_t)order, .base = order == 0 ? mean(numbers, count) : numbers[0]};
  plan.bytes = 1 + cairn_varint_size(cairn_zigzag(plan.base));
  if (order == 2) {
    plan.step = numbers[1] - numbers[0];
    plan.bytes += cairn_varint_size(cairn_zigzag(plan.step));
  }
  uint64_t any = 0;
  for (size_t i = order; i < count; i++) any |= codes[i - order] = residual(numbers, i, order, plan.base);
  if (any == 0) {
    plan.parameter = CAIRN_RICE_ALL_ZERO;
  } else {
    size_t bits;
    plan.parameter = (uint8_t)best_parameter(codes, count - order, &bits);
    plan.bytes += (bits + 7) / 8;
  }
  return plan;
}

static cairn_rice_plan plan_rice(const uint64_t *numbers, size_t count, uint64_t *codes) {
  cairn_rice_plan best = plan_order(numbers, count, 0, codes);
  for (unsigned order = 1; order <= 2 && order <= count; order++) {
    cairn_rice_plan plan = plan_order(numbers, count, order, codes);
    if (plan.bytes < best.bytes) best = plan;
  }
  return best;
}

/* The greatest step of which all distances from the first number are multiples; 0 when they are all the same. */
static uint64_t common_unit(const uint64_t *numbers, size_t count) {
  uint64_t unit = 0;
  for (size_t i = 1; i < count && unit != 1; i++) {
    uint64_t distance = numbers[i] - numbers[0];
    if (distance >> 63) distance = 0 - distance;
    while (distance != 0) {
      uint64_t rest = unit % distance;
      unit = distance;
      distance = rest;
    }
  }
  return unit;
}

cairn_integer_plan cairn_plan_integers(const uint64_t *numbers, size_t count, uint64_t *work) {
  assert(count >= 1 && count <= 4096);
  cairn_integer_plan plan = {.rice = plan_rice(numbers, count, work)};
  plan.bytes = plan.rice.bytes;
  uint64_t unit = common_unit(numbers, count);
  /* A unit of 2^63 has no signed multiples. */
  if (unit < 2 || unit >> 63) return plan;
  uint64_t *multiples = work + count;
  for (size_t i = 0; i < count; i++) {
    multiples[i] = (uint64_t)((int64_t)(numbers[i] - numbers[0]) / (int64_t)unit);
  }
  cairn_rice_plan inner = plan_rice(multiples, count, work);
  size_t bytes = 1 + cairn_varint_size(unit) + cairn_varint_size(cairn_zigzag(numbers[0])) + inner.bytes;
  if (bytes < plan.bytes) {
    plan = (cairn_integer_plan){.unit = unit, .origin = numbers[0], .rice = inner, .bytes = bytes};
  }
  return plan;
}

static void put_code(cairn_writer *writer, uint64_t code, unsigned parameter) {
  uint64_t quotient = code >> parameter;
  if (quotient < CAIRN_RICE_ESCAPE) {
    /* quotient ones and a zero */
    cairn_put_bits(writer, (UINT64_C(2) << quotient) - 2, (unsigned)quotient + 1);
    cairn_put_bits(writer, code, parameter);
  } else {
    unsigned length = code == 0 ? 1 : bit_length(code);
    cairn_put_bits(writer, (UINT64_C(1) << CAIRN_RICE_ESCAPE) - 1, CAIRN_RICE_ESCAPE);
    cairn_put_bits(writer, length - 1, 6);
    cairn_put_bits(writer, code, length);
  }
}

static uint64_t multiple_of(uint64_t number, const cairn_integer_plan *plan) {
  if (plan->unit == 0) return number;
  return (uint64_t)((int64_t)(number - plan->origin) / (int64_t)plan->unit);
}

void cairn_put_integers(cairn_writer *writer, const uint64_t *numbers, size_t count, const cairn_integer_plan *plan) {
  const cairn_rice_plan *rice = &plan->rice;
  if (plan->unit != 0) {
    cairn_put_byte(writer, CAIRN_UNIT_FOLLOWS);
    cairn_put_varint(writer, plan->unit);
    cairn_put_varint(writer, cairn_zigzag(plan->origin));
  }
  cairn_put_byte(writer, (uint8_t)(rice->parameter << 2 | rice->order));
  cairn_put_varint(writer, cairn_zigzag(rice->base));
  if (rice->order == 2) cairn_put_varint(writer, cairn_zigzag(rice->step));
  if (rice->parameter == CAIRN_RICE_ALL_ZERO) return;
  /* The last three numbers in the unit: [2] is the current one, as residual() wants them. */
  uint64_t recent[3] = {0, 0, 0};
  for (size_t i = 0; i < count; i++) {
    recent[0] = recent[1];
    recent[1] = recent[2];
    recent[2] = multiple_of(numbers[i], plan);
    if (i >= rice->order) put_code(writer, residual(recent, 2, rice->order, rice->base), rice->parameter);
  }
  cairn_put_align(writer);
}

static uint64_t get_code(cairn_reader *reader, unsigned parameter) {
  uint64_t quotient = cairn_get_ones(reader, CAIRN_RICE_ESCAPE);
  if (quotient == CAIRN_RICE_ESCAPE) return cairn_get_bits(reader, (unsigned)cairn_get_bits(reader, 6) + 1);
  return quotient << parameter | cairn_get_bits(reader, parameter);
}

/* Turns residuals into numbers in place; the predictor's start comes first. */
static void predict(uint64_t *numbers, size_t count, unsigned order, uint64_t base, uint64_t step) {
  if (order >= 1) numbers[0] = base;
  if (order == 2) numbers[1] = base + step;
  for (size_t i = order; i < count; i++) {
    uint64_t predicted = base;
    if (order == 1) predicted = numbers[i - 1];
    if (order == 2) predicted = 2 * numbers[i - 1] - numbers[i - 2];
    numbers[i] += predicted;
  }
}

static void get_rice(cairn_reader *reader, uint8_t mode, uint64_t *numbers, size_t count) {
  unsigned order = mode & 3, parameter = mode >> 2;
  if (order == 3 || order > count) {
    reader->failed = true;
    return;
  }
  uint64_t base = cairn_unzigzag(cairn_get_varint(reader));
  uint64_t step = order == 2 ? cairn_unzigzag(cairn_get_varint(reader)) : 0;
  for (size_t i = order; i < count && !reader->failed; i++) {
    numbers[i] = parameter == CAIRN_RICE_ALL_ZERO ? 0 : cairn_unzigzag(get_code(reader, parameter));
  }
  cairn_get_align(reader);
  if (!reader->failed) predict(numbers, count, order, base, step);
}

void cairn_get_integers(cairn_reader *reader, uint64_t *numbers, size_t count) {
  assert(count >= 1 && count <= 4096);
  uint8_t mode = cairn_get_byte(reader);
  if (mode != CAIRN_UNIT_FOLLOWS) {
    get_rice(reader, mode, numbers, count);
    return;
  }
  uint64_t unit = cairn_get_varint(reader);
  uint64_t origin = cairn_unzigzag(cairn_get_varint(reader));
  get_rice(reader, cairn_get_byte(reader), numbers, count);
  if (unit < 2) reader->failed = true;
  for (size_t i = 0; i < count && !reader->failed; i++) numbers[i] = origin + unit * numbers[i];
}
