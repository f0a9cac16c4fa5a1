#include "framing/cobs.h"
#include "fuzz/framing.h"

/* Whatever is stuffed has no zero and comes back; whatever is unstuffed stuffs to something that unstuffs to the same. */
static void round_trips(const uint8_t *data, size_t size) {
  uint8_t *stuffed = malloc(cairn_cobs_bound(size)), *plain = malloc(size + 1);
  size_t length = cairn_cobs_encode(data, size, stuffed), written;
  fuzz_require(length <= cairn_cobs_bound(size) && memchr(stuffed, 0, length) == NULL);
  fuzz_require(length <= size + 2 + size / 254);
  uint8_t *back = malloc(length);
  fuzz_require(cairn_cobs_decode(stuffed, length, back, &written) && written == size);
  fuzz_require(size == 0 || memcmp(back, data, size) == 0);
  if (cairn_cobs_decode(data, size, plain, &written)) {
    length = cairn_cobs_encode(plain, written, stuffed);
    size_t again;
    uint8_t *twice = malloc(length);
    fuzz_require(cairn_cobs_decode(stuffed, length, twice, &again) && again == written);
    fuzz_require(written == 0 || memcmp(twice, plain, written) == 0);
    free(twice);
  }
  free(back);
  free(plain);
  free(stuffed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  round_trips(data, size);
  return fuzz_framing(CAIRN_FRAME_COBS, data, size);
}
