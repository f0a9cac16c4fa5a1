/*
 * Loaded before libc (LD_PRELOAD) into a process whose disk is watched: appends every call that changes a file or a directory below
 * one folder to an operation log, and can kill the process at a call, fail calls, or make syncs slow. Never a part of the product.
 *
 *   CRASH_FOLDER      the folder, absolute, without links
 *   CRASH_LOG         the log: records of `struct record`, appended; read by operation-log.ts
 *   CRASH_KILL        before:N or after:N: SIGKILL before or after the N-th call, from 1
 *   CRASH_FAIL        sync:N:COUNT:ERRNO or write:N:COUNT:ERRNO: the N-th sync or write and COUNT - 1 more fail and do nothing
 *   CRASH_SYNC_MS     every sync takes so much longer
 *
 * What lies directly in the folder is logged and not touched: calls on it are not counted, nor do they fail.
 *
 * Calls take turns, so that the log's order is the order in which they happened. Syncs don't: a sync's record is written when it
 * has returned and says how long the log was when it began, and it covers no write behind that.
 * LevelDB writes through stdio, whose own calls no preloaded library sees: its files are cookies here that write through write() below.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { CREATE = 1, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MKDIR, RMDIR };

/** Little-endian; then the path, the new path of a rename (both below the folder, without a zero), and a write's bytes. */
struct record {
	uint32_t bytes;
	uint8_t kind;
	uint8_t data_only;
	uint16_t path_bytes;
	uint16_t to_bytes;
	uint16_t zero;
	int32_t error;
	uint64_t inode;
	/** Of a write the offset, of a truncation the length, of a sync the log's length when it began. */
	uint64_t at;
};
_Static_assert(sizeof(struct record) == 32, "operation-log.ts reads 32 bytes");

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_bytes;
static int log_fd = -1;
static unsigned long calls, kill_before, kill_after;
static struct {
	unsigned long seen, first, count;
	int error;
} fail_sync, fail_write;
static long sync_ms;

#define REAL(name) real_##name
#define DECLARE(result, name, ...) static result (*REAL(name))(__VA_ARGS__)
DECLARE(int, open, const char *, int, ...);
DECLARE(FILE *, fopen, const char *, const char *);
DECLARE(int, fileno, FILE *);
DECLARE(ssize_t, write, int, const void *, size_t);
DECLARE(ssize_t, pwrite64, int, const void *, size_t, off64_t);
DECLARE(ssize_t, writev, int, const struct iovec *, int);
DECLARE(int, fsync, int);
DECLARE(int, fdatasync, int);
DECLARE(int, ftruncate64, int, off64_t);
DECLARE(int, rename, const char *, const char *);
DECLARE(int, unlink, const char *);
DECLARE(int, mkdir, const char *, mode_t);
DECLARE(int, rmdir, const char *);

static void read_failure(const char *text)
{
	unsigned long first, count;
	int error;
	if (sscanf(text, "sync:%lu:%lu:%d", &first, &count, &error) == 3) {
		fail_sync.first = first, fail_sync.count = count, fail_sync.error = error;
	} else if (sscanf(text, "write:%lu:%lu:%d", &first, &count, &error) == 3) {
		fail_write.first = first, fail_write.count = count, fail_write.error = error;
	}
}

__attribute__((constructor)) static void start(void)
{
#define FIND(name) REAL(name) = dlsym(RTLD_NEXT, #name)
	FIND(open), FIND(fopen), FIND(fileno), FIND(write), FIND(pwrite64), FIND(writev), FIND(fsync), FIND(fdatasync);
	FIND(ftruncate64), FIND(rename), FIND(unlink), FIND(mkdir), FIND(rmdir);
	const char *kill_at = getenv("CRASH_KILL"), *fail = getenv("CRASH_FAIL"), *slow = getenv("CRASH_SYNC_MS");
	folder = getenv("CRASH_FOLDER");
	folder_bytes = folder ? strlen(folder) : 0;
	if (kill_at) sscanf(kill_at, "before:%lu", &kill_before), sscanf(kill_at, "after:%lu", &kill_after);
	if (fail) read_failure(fail);
	if (slow) sync_ms = atol(slow);
	const char *log = getenv("CRASH_LOG");
	if (folder && log) log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/** What of an absolute path lies below the folder: "" for the folder itself, NULL for what is elsewhere. */
static const char *below(const char *path)
{
	if (log_fd < 0 || !path || strncmp(path, folder, folder_bytes) != 0) return NULL;
	const char *rest = path + folder_bytes;
	return *rest == '/' ? rest + 1 : *rest == '\0' ? rest : NULL;
}

/** The same for an open file, by the name that it has now. */
static const char *file_below(int fd, char *buffer)
{
	char link[40];
	if (log_fd < 0 || fd == log_fd) return NULL;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, buffer, PATH_MAX - 1);
	if (length < 0) return NULL;
	buffer[length] = '\0';
	return below(buffer);
}

static uint64_t inode_of(int fd)
{
	struct stat stat;
	return fstat(fd, &stat) == 0 ? stat.st_ino : 0;
}

static uint64_t inode_at(const char *path)
{
	struct stat stat;
	return lstat(path, &stat) == 0 ? stat.st_ino : 0;
}

static uint64_t log_bytes(void)
{
	struct stat stat;
	return fstat(log_fd, &stat) == 0 ? (uint64_t)stat.st_size : 0;
}

static int is_touched(const char *path)
{
	return strchr(path, '/') != NULL;
}

/** Before a call: takes the turn. */
static void enter(const char *path)
{
	pthread_mutex_lock(&turn);
	if (is_touched(path) && ++calls == kill_before) kill(getpid(), SIGKILL);
}

/** After the call: appends its record, gives the turn up. Keeps errno. */
static void leave(struct record record, const char *path, const char *to, const void *data, size_t data_bytes)
{
	const int error = errno;
	record.path_bytes = (uint16_t)strlen(path);
	record.to_bytes = to ? (uint16_t)strlen(to) : 0;
	record.bytes = (uint32_t)(sizeof record + record.path_bytes + record.to_bytes + data_bytes);
	struct iovec parts[] = {
		{ &record, sizeof record },
		{ (void *)path, record.path_bytes },
		{ (void *)(to ? to : ""), record.to_bytes },
		{ (void *)data, data_bytes },
	};
	if (REAL(writev)(log_fd, parts, 4) != (ssize_t)record.bytes) abort();
	if (is_touched(path) && calls == kill_after) kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&turn);
	errno = error;
}

#define FAILS(what, path) (is_touched(path) && ++(what).seen >= (what).first && (what).first && (what).seen < (what).first + (what).count)

static int open_watched(const char *path, const char *rest, int flags, mode_t mode)
{
	enter(rest);
	const uint64_t before = inode_at(path);
	const int fd = REAL(open)(path, flags, mode);
	const int created = fd >= 0 && !before;
	const int emptied = fd >= 0 && before && (flags & O_TRUNC);
	if (!created && !emptied) {
		const int error = errno;
		calls -= (unsigned long)is_touched(rest);
		pthread_mutex_unlock(&turn);
		errno = error;
		return fd;
	}
	leave((struct record){ .kind = created ? CREATE : TRUNCATE, .inode = inode_of(fd) }, rest, NULL, NULL, 0);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	const char *rest = below(path);
	return rest && (flags & (O_CREAT | O_TRUNC)) ? open_watched(path, rest, flags, mode) : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

static ssize_t write_logged(int fd, const char *path, const void *data, size_t bytes, off64_t at)
{
	enter(path);
	const int fails = FAILS(fail_write, path);
	ssize_t done = -1;
	if (fails) errno = fail_write.error;
	else done = at < 0 ? REAL(write)(fd, data, bytes) : REAL(pwrite64)(fd, data, bytes, at);
	const int error = errno;
	const uint64_t offset = at >= 0 ? (uint64_t)at : (uint64_t)lseek(fd, 0, SEEK_CUR) - (uint64_t)(done > 0 ? done : 0);
	errno = error;
	const struct record record = { .kind = WRITE, .error = done < 0 ? error : 0, .inode = inode_of(fd), .at = offset };
	leave(record, path, NULL, data, done > 0 ? (size_t)done : 0);
	return done;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	char buffer[PATH_MAX];
	const char *path = file_below(fd, buffer);
	return path ? write_logged(fd, path, data, bytes, -1) : REAL(write)(fd, data, bytes);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at)
{
	char buffer[PATH_MAX];
	const char *path = file_below(fd, buffer);
	return path ? write_logged(fd, path, data, bytes, at) : REAL(pwrite64)(fd, data, bytes, at);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) __attribute__((alias("pwrite64")));

/** As one write a part: a short one ends it. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	char buffer[PATH_MAX];
	const char *path = file_below(fd, buffer);
	if (!path) return REAL(writev)(fd, parts, count);
	ssize_t total = 0;
	for (int i = 0; i < count; i++) {
		const ssize_t done = write_logged(fd, path, parts[i].iov_base, parts[i].iov_len, -1);
		if (done < 0) return total > 0 ? total : -1;
		total += done;
		if ((size_t)done < parts[i].iov_len) break;
	}
	return total;
}

static int sync_logged(int fd, const char *path, int data_only)
{
	enter(path);
	const uint64_t began = log_bytes();
	const int fails = FAILS(fail_sync, path);
	pthread_mutex_unlock(&turn);
	if (sync_ms > 0) nanosleep(&(struct timespec){ sync_ms / 1000, sync_ms % 1000 * 1000000 }, NULL);
	int result = -1;
	if (fails) errno = fail_sync.error;
	else result = data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
	const int error = result < 0 ? errno : 0;
	const struct record record = {
		.kind = SYNC, .data_only = (uint8_t)data_only, .error = error, .inode = inode_of(fd), .at = began
	};
	pthread_mutex_lock(&turn);
	errno = error;
	leave(record, path, NULL, NULL, 0);
	return result;
}

int fsync(int fd)
{
	char buffer[PATH_MAX];
	const char *path = file_below(fd, buffer);
	return path ? sync_logged(fd, path, 0) : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	char buffer[PATH_MAX];
	const char *path = file_below(fd, buffer);
	return path ? sync_logged(fd, path, 1) : REAL(fdatasync)(fd);
}

int ftruncate64(int fd, off64_t length)
{
	char buffer[PATH_MAX];
	const char *path = file_below(fd, buffer);
	if (!path) return REAL(ftruncate64)(fd, length);
	enter(path);
	const int result = REAL(ftruncate64)(fd, length);
	const struct record record = {
		.kind = TRUNCATE, .error = result < 0 ? errno : 0, .inode = inode_of(fd), .at = (uint64_t)length
	};
	leave(record, path, NULL, NULL, 0);
	return result;
}

int ftruncate(int fd, off_t length) __attribute__((alias("ftruncate64")));

int rename(const char *from, const char *to)
{
	const char *path = below(from), *new_path = below(to);
	if (!path || !new_path) return REAL(rename)(from, to);
	enter(path);
	const uint64_t inode = inode_at(from);
	const int result = REAL(rename)(from, to);
	leave((struct record){ .kind = RENAME, .error = result < 0 ? errno : 0, .inode = inode }, path, new_path, NULL, 0);
	return result;
}

#define ENTRY(kind_of, call)                                                                                          \
	const char *rest = below(path);                                                                               \
	if (!rest) return call;                                                                                       \
	enter(rest);                                                                                                  \
	const int result = call;                                                                                      \
	leave((struct record){ .kind = kind_of, .error = result < 0 ? errno : 0 }, rest, NULL, NULL, 0);               \
	return result

int unlink(const char *path)
{
	ENTRY(UNLINK, REAL(unlink)(path));
}

int mkdir(const char *path, mode_t mode)
{
	ENTRY(MKDIR, REAL(mkdir)(path, mode));
}

int rmdir(const char *path)
{
	ENTRY(RMDIR, REAL(rmdir)(path));
}

/** A file that LevelDB writes through stdio, with its descriptor. */
struct cookie {
	FILE *file;
	int fd;
	struct cookie *next;
};
static struct cookie *cookies;
static pthread_mutex_t cookies_turn = PTHREAD_MUTEX_INITIALIZER;

static ssize_t cookie_write(void *cookie, const char *data, size_t bytes)
{
	const ssize_t done = write(((struct cookie *)cookie)->fd, data, bytes);
	return done < 0 ? 0 : done; /* fopencookie(3): 0 is an error, with errno */
}

static int cookie_close(void *cookie)
{
	pthread_mutex_lock(&cookies_turn);
	for (struct cookie **at = &cookies; *at; at = &(*at)->next) {
		if (*at != cookie) continue;
		*at = (*at)->next;
		break;
	}
	pthread_mutex_unlock(&cookies_turn);
	const int result = close(((struct cookie *)cookie)->fd);
	free(cookie);
	return result;
}

FILE *fopen(const char *path, const char *mode)
{
	if (!below(path) || (*mode != 'w' && *mode != 'a')) return REAL(fopen)(path, mode);
	const int fd = open(path, O_WRONLY | O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND), 0666);
	if (fd < 0) return NULL;
	struct cookie *cookie = calloc(1, sizeof *cookie);
	if (!cookie) abort();
	cookie->fd = fd;
	cookie->file = fopencookie(cookie, "w", (cookie_io_functions_t){ .write = cookie_write, .close = cookie_close });
	if (!cookie->file) abort();
	setvbuf(cookie->file, NULL, _IOFBF, 4096); /* as a file's own would be */
	pthread_mutex_lock(&cookies_turn);
	cookie->next = cookies;
	cookies = cookie;
	pthread_mutex_unlock(&cookies_turn);
	return cookie->file;
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

int fileno(FILE *file)
{
	int fd = -1;
	pthread_mutex_lock(&cookies_turn);
	for (struct cookie *at = cookies; at; at = at->next)
		if (at->file == file) fd = at->fd;
	pthread_mutex_unlock(&cookies_turn);
	return fd >= 0 ? fd : REAL(fileno)(file);
}
