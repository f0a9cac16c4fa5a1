#ifndef CAIRN_MAPPED_H
#define CAIRN_MAPPED_H

#include <stddef.h>
#include <stdio.h>

/*
 * Pages of files that this process has mapped: given back to the kernel, which reads them again when they are touched. LevelDB 1.20 maps
 * tables and keeps them so (env_posix.cc): what was read once counts as this process's memory for good.
 */

/*
 * `maps`: as proc_pid_maps(5) has it. Of each mapping whose path begins with `prefix` and ends in `suffix` the pages go (madvise(2),
 * MADV_PAGEOUT, Linux 5.4): only clean ones, and nothing is ever lost by it, even where the mapping has changed meanwhile.
 * Bytes that were looked at, or a negative errno: -EINVAL from a kernel that can't.
 */
long cairn_page_out(FILE *maps, const char *prefix, const char *suffix);

#endif
