#include "packet/texts.h"

#include "packet/crc32c.h"
#include "packet/integers.h"

#define SLOTS (2 * CAIRN_BLOCK_MAX_ROWS)
#define EMPTY UINT16_MAX

bool cairn_is_utf8(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length;) {
    uint8_t lead = bytes[i++];
    if (lead < 0x80) continue;
    unsigned more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || more > length - i) return false;
    /* RFC 3629 §4: the byte after the lead is bounded further where a form would be overlong, a surrogate or too high. */
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (bytes[i] < low || bytes[i] > high) return false;
    for (unsigned j = 1; j < more; j++) {
      if ((bytes[i + j] & 0xC0) != 0x80) return false;
    }
    i += more;
  }
  return true;
}

static bool same(const cairn_text *a, const cairn_text *b) {
  return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* Index of a value among the distinct ones; a new one is put behind them. Open addressing: at most half the slots fill. */
static size_t index_of(cairn_scratch *scratch, size_t *distinct, const cairn_text *text) {
  size_t slot = cairn_crc32c(0, text->data, text->length) % SLOTS;
  for (; scratch->slots[slot] != EMPTY; slot = (slot + 1) % SLOTS) {
    size_t index = scratch->slots[slot];
    if (same(&scratch->distinct[index], text)) return index;
  }
  scratch->slots[slot] = (uint16_t)*distinct;
  scratch->distinct[*distinct] = *text;
  return (*distinct)++;
}

static bool is_allowed(const cairn_text *text, bool utf8) {
  return text->data != NULL && text->length <= CAIRN_TEXT_MAX_BYTES &&
         (!utf8 || cairn_is_utf8(text->data, text->length));
}

static void put_distinct(cairn_writer *writer, size_t rows, size_t distinct, cairn_scratch *scratch) {
  cairn_integer_plan plan = cairn_plan_integers(scratch->numbers, rows, scratch->work);
  cairn_put_integers(writer, scratch->numbers, rows, &plan);
  for (size_t i = 0; i < distinct; i++) scratch->other[i] = scratch->distinct[i].length;
  plan = cairn_plan_integers(scratch->other, distinct, scratch->work);
  cairn_put_integers(writer, scratch->other, distinct, &plan);
  for (size_t i = 0; i < distinct; i++) {
    cairn_put_bytes(writer, scratch->distinct[i].data, scratch->distinct[i].length);
  }
}

size_t cairn_put_texts(cairn_writer *writer, const cairn_text *texts, size_t stride, const uint8_t *quality,
                       size_t columns, size_t rows, bool utf8, cairn_scratch *scratch) {
  size_t distinct = 0;
  memset(scratch->slots, 0xFF, sizeof scratch->slots);
  for (size_t row = 0; row < rows; row++) {
    if (quality[row * columns] == CAIRN_FAULT) {
      /* Before the first value: index 0, which will be the first value's. */
      scratch->numbers[row] = row > 0 ? scratch->numbers[row - 1] : 0;
      continue;
    }
    const cairn_text *text = &texts[row * stride];
    if (!is_allowed(text, utf8)) return row;
    scratch->numbers[row] = index_of(scratch, &distinct, text);
  }
  if (distinct == 0) scratch->distinct[distinct++] = (cairn_text){.data = NULL, .length = 0};
  put_distinct(writer, rows, distinct, scratch);
  return rows;
}

/* Reads which value each row has. Each new one is numbered next: so their count is known. 0: malformed. */
static size_t get_indexes(cairn_reader *reader, uint64_t *indexes, size_t rows) {
  size_t distinct = 0;
  cairn_get_integers(reader, indexes, rows);
  for (size_t row = 0; row < rows && !reader->failed; row++) {
    if (indexes[row] > distinct) return 0;
    if (indexes[row] == distinct) distinct++;
  }
  return reader->failed ? 0 : distinct;
}

static void get_distinct(cairn_reader *reader, size_t distinct, bool utf8, cairn_scratch *scratch) {
  cairn_get_integers(reader, scratch->other, distinct);
  for (size_t i = 0; i < distinct && !reader->failed; i++) {
    uint64_t length = scratch->other[i];
    const uint8_t *data = length <= CAIRN_TEXT_MAX_BYTES ? cairn_get_bytes(reader, (size_t)length) : NULL;
    if (data == NULL || (utf8 && !cairn_is_utf8(data, (size_t)length))) {
      reader->failed = true;
    } else {
      scratch->distinct[i] = (cairn_text){.data = data, .length = (uint32_t)length};
    }
  }
}

void cairn_get_texts(cairn_reader *reader, cairn_text *texts, size_t stride, const uint8_t *quality, size_t columns,
                     size_t rows, bool utf8, cairn_scratch *scratch) {
  size_t distinct = get_indexes(reader, scratch->numbers, rows);
  if (distinct == 0) {
    reader->failed = true;
    return;
  }
  get_distinct(reader, distinct, utf8, scratch);
  for (size_t row = 0; row < rows && !reader->failed; row++) {
    bool absent = quality[row * columns] == CAIRN_FAULT;
    texts[row * stride] = absent ? (cairn_text){.data = NULL, .length = 0} : scratch->distinct[scratch->numbers[row]];
  }
}
