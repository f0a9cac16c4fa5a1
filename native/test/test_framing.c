/*
 * Framing: COBS by its paper's example and those on Wikipedia; NMEA sentences as published; the same frames and counters
 * however the bytes are cut.
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framing/cobs.h"
#include "framing/framer.h"

static uint64_t state = 2463534242u;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* Frames of all bytes, one after the other with a length before each; what two ways of cutting must agree on. */
typedef struct {
  uint8_t log[65536];
  size_t used;
  cairn_framer_counters counters;
} record;

static void feed(cairn_framer *framer, const uint8_t *bytes, size_t length, record *record) {
  const uint8_t *end = bytes + length;
  size_t frame;
  while (cairn_framer_next(framer, &bytes, end, &frame)) {
    assert(frame <= framer->max_bytes && record->used + frame + 2 <= sizeof record->log);
    record->log[record->used++] = (uint8_t)frame;
    record->log[record->used++] = (uint8_t)(frame >> 8);
    memcpy(record->log + record->used, framer->buffer, frame);
    record->used += frame;
  }
  assert(bytes == end);
}

/* `cut`: longest chunk; 0 is all at once. Every chunk lies in memory of its own length. */
static void frame_all(cairn_frame_kind kind, size_t max_bytes, const uint8_t *bytes, size_t length, size_t cut,
                      record *record) {
  uint8_t *buffer = malloc(max_bytes + 1);
  assert(buffer != NULL);
  cairn_framer framer;
  cairn_framer_init(&framer, kind, buffer, max_bytes);
  record->used = 0;
  for (size_t at = 0; at < length;) {
    size_t count = cut == 0 ? length : 1 + next_random() % cut;
    if (count > length - at) count = length - at;
    uint8_t *chunk = malloc(count);
    assert(chunk != NULL);
    memcpy(chunk, bytes + at, count);
    feed(&framer, chunk, count, record);
    free(chunk);
    at += count;
  }
  record->counters = framer.counters;
  free(buffer);
}

static record whole, parts;

static void any_cut_gives_the_same(void) {
  static const char ALPHABET[] = "$!*0123ABab\r\n,\0\x01\x02\x05\xFF";
  static uint8_t bytes[3000];
  static const size_t CUTS[] = {1, 2, 7, 100};
  for (int round = 0; round < 600; round++) {
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)ALPHABET[next_random() % (sizeof ALPHABET - 1)];
    cairn_frame_kind kind = (cairn_frame_kind)(round % 3);
    size_t max_bytes = 1 + next_random() % 40;
    frame_all(kind, max_bytes, bytes, sizeof bytes, 0, &whole);
    frame_all(kind, max_bytes, bytes, sizeof bytes, CUTS[round % 4], &parts);
    assert(whole.used == parts.used && memcmp(whole.log, parts.log, whole.used) == 0);
    assert(memcmp(&whole.counters, &parts.counters, sizeof whole.counters) == 0);
    assert(whole.counters.bytes == sizeof bytes);
  }
}

static void expect(cairn_frame_kind kind, size_t max_bytes, const char *bytes, size_t length, const char *frames,
                   cairn_framer_counters counters) {
  frame_all(kind, max_bytes, (const uint8_t *)bytes, length, 0, &whole);
  size_t at = 0;
  for (; *frames != '\0'; frames += strlen(frames) + 1) {
    assert(at < whole.used && whole.log[at] == strlen(frames));
    assert(memcmp(whole.log + at + 2, frames, strlen(frames)) == 0);
    at += 2 + strlen(frames);
  }
  assert(at == whole.used);
  counters.bytes = length;
  assert(memcmp(&whole.counters, &counters, sizeof counters) == 0);
}

#define EXPECT(kind, max_bytes, text, frames, ...) \
  expect(kind, max_bytes, text, sizeof text - 1, frames "\0", (cairn_framer_counters){__VA_ARGS__})

static void lines_are_cut(void) {
  EXPECT(CAIRN_FRAME_LINE, 5, "one\ntwo\r\n\r\n\nhalf", "one\0two\0", .frames = 2);
  EXPECT(CAIRN_FRAME_LINE, 5, "12345\n12345\r\n123456\n1234567\r\nok\n", "12345\0" "12345\0ok\0", .frames = 3, .too_long = 2);
  EXPECT(CAIRN_FRAME_LINE, 5, "a\rb\n", "a\rb\0", .frames = 1);
}

/* Sentences and checksums: NMEA 0183's own well-known examples. */
#define GGA "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47"
#define VDM "!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C"

static void sentences_are_cut(void) {
  EXPECT(CAIRN_FRAME_NMEA, 82, GGA "\r\n" VDM "\r\n", GGA "\0" VDM "\0", .frames = 2);
  EXPECT(CAIRN_FRAME_NMEA, 82, GGA "\n", GGA "\0", .frames = 1);
  EXPECT(CAIRN_FRAME_NMEA, 82, "$GPGGA,1*00\r\n$GPGGA,1\r\n$GPGGA*4\r\n", "", .bad_checksum = 3);
  EXPECT(CAIRN_FRAME_NMEA, 82, "\xB5" "b12$GPG" GGA "\r\n", GGA "\0", .frames = 1, .stray_bytes = 4 + 4);
  EXPECT(CAIRN_FRAME_NMEA, 82, GGA "x\r\n", "", .bad_checksum = 1);
  /* The XOR is right in both: a NUL leaves it, and two equal bytes cancel. */
  EXPECT(CAIRN_FRAME_NMEA, 82, "$PABC\0*10\r\n" GGA "\r\n", GGA "\0", .frames = 1, .bad_checksum = 1, .stray_bytes = 3);
  EXPECT(CAIRN_FRAME_NMEA, 82, "$PABC\xB5\xB5*10\r\n", "", .bad_checksum = 1, .stray_bytes = 4);
  /* The tail of a sentence whose ',' became '$': its own XOR is right by chance. */
  EXPECT(CAIRN_FRAME_NMEA, 82, "$GPGSA,A,3$M,,0000*4D\r\n" GGA "\r\n", GGA "\0", .frames = 1, .bad_checksum = 1,
         .stray_bytes = 10 + 8);
  EXPECT(CAIRN_FRAME_NMEA, 10, "$12345678901\r\n$PABC*10\r\n", "$PABC*10\0", .frames = 1, .too_long = 1, .stray_bytes = 1);
}

static void cobs_is_cut(void) {
  EXPECT(CAIRN_FRAME_COBS, 8, "\x03" "ab\x00\x00\x05" "wxyz\x00", "ab\0wxyz\0", .frames = 2);
  EXPECT(CAIRN_FRAME_COBS, 3, "\x05" "wxyz\x00\x04" "abc\x00", "abc\0", .frames = 1, .too_long = 1);
  EXPECT(CAIRN_FRAME_COBS, 8, "\x05" "wx\x00\x02" "a\x00", "a\0", .frames = 1, .bad_checksum = 1);
}

/* Across the bound of 254: the framer's own unstuffing against the plain one. */
static void long_cobs_frames_are_cut(void) {
  uint8_t plain[600], stuffed[610];
  for (size_t length = 250; length <= sizeof plain; length++) {
    for (size_t i = 0; i < length; i++) plain[i] = (uint8_t)(i % 255 == 254 && length % 2 ? 0 : 1 + i % 200);
    size_t count = cairn_cobs_encode(plain, length, stuffed);
    stuffed[count++] = 0;
    frame_all(CAIRN_FRAME_COBS, sizeof plain, stuffed, count, 50, &whole);
    assert(whole.used == length + 2 && memcmp(whole.log + 2, plain, length) == 0);
  }
}

static void cobs_pair(const char *plain, size_t plain_length, const char *stuffed, size_t stuffed_length) {
  uint8_t out[64];
  size_t written;
  assert(cairn_cobs_encode((const uint8_t *)plain, plain_length, out) == stuffed_length);
  assert(memcmp(out, stuffed, stuffed_length) == 0);
  assert(cairn_cobs_decode((const uint8_t *)stuffed, stuffed_length, out, &written));
  assert(written == plain_length && memcmp(out, plain, plain_length) == 0);
}

#define COBS(plain, stuffed) cobs_pair(plain, sizeof plain - 1, stuffed, sizeof stuffed - 1)

static void cobs_knows_the_examples(void) {
  /* Cheshire & Baker 1999, the paper's example: an IP packet's head. */
  COBS("\x45\x00\x00\x2C\x4C\x79\x00\x00\x40\x06\x4F\x37",
       "\x02\x45\x01\x04\x2C\x4C\x79\x01\x05\x40\x06\x4F\x37");
  /* Wikipedia, "Consistent Overhead Byte Stuffing", examples 1 to 6. */
  COBS("\x00", "\x01\x01");
  COBS("\x00\x00", "\x01\x01\x01");
  COBS("\x00\x11\x00", "\x01\x02\x11\x01");
  COBS("\x11\x22\x00\x33", "\x03\x11\x22\x02\x33");
  COBS("\x11\x22\x33\x44", "\x05\x11\x22\x33\x44");
  COBS("\x11\x00\x00\x00", "\x02\x11\x01\x01\x01");
  COBS("", "\x01");
}

/* Wikipedia's examples 7 to 11: runs at the bound of 254. First and last byte of the plain, and the codes of the stuffed form. */
static void cobs_knows_the_long_examples(void) {
  uint8_t plain[256], stuffed[260], back[260];
  size_t written;
  static const struct {
    int from, count, length, second_at, second;
  } CASES[] = {{1, 254, 255, 0, 0xFF}, {0, 255, 256, 1, 0xFF}, {1, 255, 257, 255, 0x02}, {2, 255, 257, 255, 0x01}};
  for (size_t i = 0; i < 4; i++) {
    for (int j = 0; j < CASES[i].count; j++) plain[j] = (uint8_t)(CASES[i].from + j);
    assert(cairn_cobs_encode(plain, (size_t)CASES[i].count, stuffed) == (size_t)CASES[i].length);
    assert(stuffed[CASES[i].second_at] == CASES[i].second);
    assert(cairn_cobs_decode(stuffed, (size_t)CASES[i].length, back, &written));
    assert(written == (size_t)CASES[i].count && memcmp(plain, back, written) == 0);
  }
}

static void cobs_refuses_the_malformed(void) {
  uint8_t out[8];
  size_t written;
  assert(!cairn_cobs_decode((const uint8_t *)"", 0, out, &written));
  assert(!cairn_cobs_decode((const uint8_t *)"\x00", 1, out, &written));
  assert(!cairn_cobs_decode((const uint8_t *)"\x03" "a", 2, out, &written));
  assert(!cairn_cobs_decode((const uint8_t *)"\x03" "a\x00", 3, out, &written));
}

int main(void) {
  any_cut_gives_the_same();
  lines_are_cut();
  sentences_are_cut();
  cobs_is_cut();
  long_cobs_frames_are_cut();
  cobs_knows_the_examples();
  cobs_knows_the_long_examples();
  cobs_refuses_the_malformed();
  puts("framing: ok");
  return 0;
}
