/* CRC-32C, in software and by the CPU's instruction. Expected values: RFC 3720 B.4, and the catalogue's check value. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "packet/crc32c.h"

typedef uint32_t crc_function(uint32_t seed, const uint8_t *bytes, size_t length);

static void knows_the_vectors(crc_function *crc) {
  uint8_t bytes[32];
  memset(bytes, 0, sizeof bytes);
  assert(crc(0, bytes, 32) == 0x8A9136AA);
  memset(bytes, 0xFF, sizeof bytes);
  assert(crc(0, bytes, 32) == 0x62A8AB43);
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
  assert(crc(0, bytes, 32) == 0x46DD794E);
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(31 - i);
  assert(crc(0, bytes, 32) == 0x113FDB5C);
  /* An iSCSI SCSI Read (10) command PDU. */
  static const uint8_t READ10[48] = {0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
                                     0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0};
  assert(crc(0, READ10, sizeof READ10) == 0xD9963A56);
  /* The catalogue of parametrised CRC algorithms (CRC-32/ISCSI): check = 0xE3069283. */
  assert(crc(0, (const uint8_t *)"123456789", 9) == 0xE3069283);
  assert(crc(0, (const uint8_t *)"", 0) == 0);
}

static void goes_on_from_a_seed(crc_function *crc) {
  const uint8_t *text = (const uint8_t *)"the quick brown fox jumps over the lazy dog";
  size_t length = strlen((const char *)text);
  for (size_t cut = 0; cut <= length; cut++) {
    assert(crc(crc(0, text, cut), text + cut, length - cut) == crc(0, text, length));
  }
}

/* Every length and every alignment: the word loop and the byte loop meet everywhere. */
static void hardware_says_the_same(void) {
  uint8_t bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 167 + (i >> 3));
  for (size_t start = 0; start < 9; start++) {
    for (size_t length = 0; length + start <= sizeof bytes; length++) {
      assert(cairn_crc32c(7, bytes + start, length) == cairn_crc32c_software(7, bytes + start, length));
    }
  }
}

int main(void) {
  knows_the_vectors(cairn_crc32c_software);
  knows_the_vectors(cairn_crc32c);
  goes_on_from_a_seed(cairn_crc32c_software);
  goes_on_from_a_seed(cairn_crc32c);
  hardware_says_the_same();
  printf("crc32c: ok, %s\n", cairn_crc32c_has_hardware() ? "with the CPU's instruction" : "in software only");
  return 0;
}
