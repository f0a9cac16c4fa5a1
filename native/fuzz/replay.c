/*
 * Runs a fuzz target on every file of a folder, once each: what fuzzing learned is a test on machines without libFuzzer too.
 * Exit code 1 when the folder is empty or can't be read.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16 };

static int replay(const char *path) {
  static uint8_t bytes[INPUT_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 0;
  size_t size = fread(bytes, 1, sizeof bytes, file);
  int whole = feof(file) && !ferror(file);
  fclose(file);
  fprintf(stderr, "%s\n", path); /* the last line before a crash names the input */
  LLVMFuzzerTestOneInput(bytes, size);
  return whole;
}

int main(int argc, char **argv) {
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  if (folder == NULL) return 1;
  int count = 0, good = 1;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    char path[4096];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
    good = replay(path) && good;
    count++;
  }
  closedir(folder);
  printf("%d inputs\n", count);
  return good && count > 0 ? 0 : 1;
}
