#include "packet/crc32c.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this code loads little-endian words; every supported machine is little-endian"
#endif

#define POLYNOMIAL 0x82F63B78u

/* table[j][b]: the CRC of byte b followed by j zero bytes. Filled once; two threads filling at once write the same. */
static uint32_t table[8][256];
static atomic_bool table_ready;

static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    table[0][byte] = crc;
  }
  for (int j = 1; j < 8; j++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = table[j - 1][byte];
      table[j][byte] = (crc >> 8) ^ table[0][crc & 0xFF];
    }
  }
  atomic_store_explicit(&table_ready, true, memory_order_release);
}

uint32_t cairn_crc32c_software(uint32_t seed, const uint8_t *bytes, size_t length) {
  if (!atomic_load_explicit(&table_ready, memory_order_acquire)) fill_table();
  uint32_t crc = ~seed;
  for (; length >= 8; bytes += 8, length -= 8) {
    uint32_t low, high;
    memcpy(&low, bytes, 4);
    memcpy(&high, bytes + 4, 4);
    low ^= crc;
    crc = table[7][low & 0xFF] ^ table[6][(low >> 8) & 0xFF] ^ table[5][(low >> 16) & 0xFF] ^ table[4][low >> 24] ^
          table[3][high & 0xFF] ^ table[2][(high >> 8) & 0xFF] ^ table[1][(high >> 16) & 0xFF] ^ table[0][high >> 24];
  }
  for (; length > 0; bytes++, length--) crc = (crc >> 8) ^ table[0][(crc ^ *bytes) & 0xFF];
  return ~crc;
}

#if defined(__x86_64__)

bool cairn_crc32c_has_hardware(void) { return __builtin_cpu_supports("sse4.2"); }

__attribute__((target("sse4.2"))) static uint32_t hardware(uint32_t seed, const uint8_t *bytes, size_t length) {
  uint64_t crc = (uint32_t)~seed;
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  uint32_t rest = (uint32_t)crc;
  for (; length > 0; bytes++, length--) rest = __builtin_ia32_crc32qi(rest, *bytes);
  return ~rest;
}

#elif defined(__aarch64__)

/* AT_HWCAP bit 7, HWCAP_CRC32: the kernel's Documentation/arch/arm64/elf_hwcaps.rst. */
bool cairn_crc32c_has_hardware(void) { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }

static uint32_t hardware(uint32_t seed, const uint8_t *bytes, size_t length) {
  uint32_t crc = ~seed;
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
  }
  for (; length > 0; bytes++, length--) {
    uint32_t byte = *bytes;
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(byte));
  }
  return ~crc;
}

#else

bool cairn_crc32c_has_hardware(void) { return false; }

static uint32_t hardware(uint32_t seed, const uint8_t *bytes, size_t length) {
  return cairn_crc32c_software(seed, bytes, length);
}

#endif

uint32_t cairn_crc32c(uint32_t seed, const uint8_t *bytes, size_t length) {
  return cairn_crc32c_has_hardware() ? hardware(seed, bytes, length) : cairn_crc32c_software(seed, bytes, length);
}
