#include "packet/encoder.h"
#include "packet/floats.h"
#include "packet/header.h"
#include "packet/integers.h"

/* The smallest way found so far to keep a column of doubles. */
typedef struct {
  uint8_t encoding;
  unsigned scale;
  size_t bytes;
  cairn_integer_plan numbers;
  cairn_integer_plan corrections; /* CAIRN_FLOAT_CORRECTED only */
} choice;

void cairn_fill_absent(const cairn_encoder *encoder, size_t column, uint64_t *numbers) {
  size_t first = 0;
  while (first < encoder->row_count && cairn_is_absent(encoder, first, column)) first++;
  uint64_t last = first < encoder->row_count ? numbers[first] : 0;
  for (size_t row = 0; row < encoder->row_count; row++) {
    if (cairn_is_absent(encoder, row, column)) numbers[row] = last;
    last = numbers[row];
  }
}

/* The values as decimals of one scale. Returns how many are not exactly that; rows + 1 when one can't be one at all. */
static size_t to_decimals(const cairn_encoder *encoder, size_t column, unsigned scale, uint64_t *numbers) {
  size_t inexact = 0, rows = encoder->row_count;
  for (size_t row = 0; row < rows; row++) {
    int64_t number = 0;
    double value = cairn_value_at(encoder, row, column);
    if (cairn_is_absent(encoder, row, column)) continue;
    if (!cairn_to_decimal(value, scale, &number)) return rows + 1;
    inexact += cairn_double_bits(cairn_from_decimal(number, scale)) != cairn_double_bits(value);
    if (inexact > rows / 2) return rows + 1;
    numbers[row] = (uint64_t)number;
  }
  cairn_fill_absent(encoder, column, numbers);
  return inexact;
}

/*
 * The scale worth trying: the first at which all values are exact; else the first at which half of them are, as arithmetic
 * leaves an ulp here and there (raw * 0.01). Over CAIRN_SCALE_MAX: none.
 */
static unsigned find_scale(const cairn_encoder *encoder, size_t column, uint64_t *numbers) {
  unsigned nearly = CAIRN_SCALE_MAX + 1;
  for (unsigned scale = 0; scale <= CAIRN_SCALE_MAX; scale++) {
    size_t inexact = to_decimals(encoder, column, scale, numbers);
    if (inexact == 0) return scale;
    if (inexact <= encoder->row_count && nearly > CAIRN_SCALE_MAX) nearly = scale;
  }
  return nearly;
}

/* What must be added to the bits of number / 10^scale to get those of the value. Returns whether any is not 0. */
static bool to_corrections(const uint64_t *bits, const uint64_t *numbers, size_t rows, unsigned scale,
                           uint64_t *corrections) {
  uint64_t any = 0;
  for (size_t row = 0; row < rows; row++) {
    corrections[row] = bits[row] - cairn_double_bits(cairn_from_decimal((int64_t)numbers[row], scale));
    any |= corrections[row];
  }
  return any != 0;
}

static void try_decimals(cairn_encoder *encoder, size_t column, const uint64_t *bits, choice *best) {
  cairn_scratch *scratch = encoder->scratch;
  size_t rows = encoder->row_count;
  choice tried = {.scale = find_scale(encoder, column, scratch->other)};
  if (tried.scale > CAIRN_SCALE_MAX) return;
  to_decimals(encoder, column, tried.scale, scratch->other);
  tried.encoding = (uint8_t)tried.scale;
  tried.numbers = cairn_plan_integers(scratch->other, rows, scratch->work);
  tried.bytes = tried.numbers.bytes;
  if (to_corrections(bits, scratch->other, rows, tried.scale, scratch->corrections)) {
    tried.encoding = CAIRN_FLOAT_CORRECTED;
    tried.corrections = cairn_plan_integers(scratch->corrections, rows, scratch->work);
    tried.bytes += 1 + tried.corrections.bytes;
  }
  if (tried.bytes <= best->bytes) *best = tried;
}

uint8_t cairn_put_floats(cairn_encoder *encoder, size_t column) {
  cairn_scratch *scratch = encoder->scratch;
  cairn_writer *writer = &encoder->writer;
  size_t rows = encoder->row_count;
  uint64_t *bits = scratch->numbers;
  for (size_t row = 0; row < rows; row++) bits[row] = cairn_double_bits(cairn_value_at(encoder, row, column));
  cairn_fill_absent(encoder, column, bits);
  choice best = {.encoding = CAIRN_FLOAT_XOR, .bytes = cairn_xor_bytes(bits, rows)};
  cairn_integer_plan plain = cairn_plan_integers(bits, rows, scratch->work);
  if (plain.bytes <= best.bytes) best = (choice){.encoding = CAIRN_FLOAT_BITS, .bytes = plain.bytes, .numbers = plain};
  try_decimals(encoder, column, bits, &best);
  if (best.encoding == CAIRN_FLOAT_XOR) {
    cairn_put_xor(writer, bits, rows);
  } else if (best.encoding == CAIRN_FLOAT_BITS) {
    cairn_put_integers(writer, bits, rows, &best.numbers);
  } else {
    if (best.encoding == CAIRN_FLOAT_CORRECTED) cairn_put_byte(writer, (uint8_t)best.scale);
    cairn_put_integers(writer, scratch->other, rows, &best.numbers);
    if (best.encoding == CAIRN_FLOAT_CORRECTED) cairn_put_integers(writer, scratch->corrections, rows, &best.corrections);
  }
  return best.encoding;
}
