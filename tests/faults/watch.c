/* Tells a test of every call by which this process changes files below a folder, before the call, and does as it is told.
 *
 * Loaded by LD_PRELOAD, asleep until luyu_watch. Each call is one line "name path" on a socket and one byte of answer:
 * 0 goes on; 255 does half of a write and tells of the rest; anything else is the errno that the call fails with.
 * A test that kills instead of answering kills exactly there. luyu_shift_clock sets this process' clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { GO_ON = 0, HALF = 255 };
static char below[PATH_MAX];
static int told = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void luyu_watch(const char *folder, int socket_fd) {
    snprintf(below, sizeof below, "%s/", folder);
    told = socket_fd;
}

static int ask(const char *name, const char *path) {
    if (told < 0 || strncmp(path, below, strlen(below)) != 0) return GO_ON;
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", name, path + strlen(below));
    unsigned char answer = GO_ON;
    int kept = errno;
    pthread_mutex_lock(&one_at_a_time);
    if (syscall(SYS_write, told, line, (size_t)length) != length || syscall(SYS_read, told, &answer, 1) != 1)
        answer = GO_ON; /* nobody listens any more */
    pthread_mutex_unlock(&one_at_a_time);
    errno = kept;
    return answer;
}

static int ask_fd(const char *name, int fd) {
    if (told < 0 || fd == told) return GO_ON;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return GO_ON;
    path[length] = 0;
    return ask(name, path);
}

static int ask_at(const char *name, int folder, const char *path) {
    if (told < 0) return GO_ON;
    if (path[0] == '/') return ask(name, path);
    char link[64], whole[2 * PATH_MAX];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, whole, PATH_MAX);
    if (length <= 0) return GO_ON;
    snprintf(whole + length, sizeof whole - (size_t)length, "/%s", path);
    return ask(name, whole);
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }
#define OR_FAIL(asked) do { int say_ = (asked); if (say_ != GO_ON && say_ != HALF) { errno = say_; return -1; } } while (0)

/* Writes: all, half and then the rest, or none. */
#define WRITES(name, parameters, half, rest, all)                       \
    ssize_t name parameters {                                           \
        int say = ask_fd("write", fd);                                  \
        if (say == HALF && size > 1) {                                  \
            ssize_t done = REAL(name) half;                             \
            if (done <= 0) return done;                                 \
            OR_FAIL(ask_fd("rest", fd));                                \
            ssize_t more = REAL(name) rest;                             \
            return more < 0 ? more : done + more;                       \
        }                                                               \
        OR_FAIL(say);                                                   \
        return REAL(name) all;                                          \
    }
WRITES(write, (int fd, const void *data, size_t size), (fd, data, size / 2),
       (fd, (const char *)data + done, size - (size_t)done), (fd, data, size))
WRITES(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size / 2, at),
       (fd, (const char *)data + done, size - (size_t)done, at + done), (fd, data, size, at))
WRITES(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size / 2, at),
       (fd, (const char *)data + done, size - (size_t)done, at + done), (fd, data, size, at))

ssize_t writev(int fd, const struct iovec *parts, int count) {
    OR_FAIL(ask_fd("write", fd));
    return REAL(writev)(fd, parts, count);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    OR_FAIL(ask_fd("write", to));
    return ((ssize_t (*)(int, int, off64_t *, size_t))real("sendfile64"))(to, from, at, size);
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    OR_FAIL(ask_fd("write", to));
    return ((ssize_t (*)(int, int, off_t *, size_t))real("sendfile"))(to, from, at, size);
}
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    int say = ask_fd("write", fileno(file));
    if (say != GO_ON && say != HALF) { errno = say; return 0; }
    return REAL(fwrite)(data, size, count, file);
}

/* Opening changes files where it makes or empties one. */
#define CHANGES(flags) ((flags) & (O_CREAT | O_TRUNC))
#define MODE(flags, last) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, last); mode = va_arg(more, mode_t); va_end(more); }
#define OPENS(name)                                                                     \
    int name(const char *path, int flags, ...) {                                        \
        MODE(flags, flags)                                                              \
        if (CHANGES(flags)) OR_FAIL(ask_at("open", AT_FDCWD, path));                    \
        return REAL(name)(path, flags, mode);                                           \
    }
OPENS(open)
OPENS(open64)
#define OPENS_AT(name)                                                                  \
    int name(int folder, const char *path, int flags, ...) {                            \
        MODE(flags, flags)                                                              \
        if (CHANGES(flags)) OR_FAIL(ask_at("open", folder, path));                      \
        return REAL(name)(folder, path, flags, mode);                                   \
    }
OPENS_AT(openat)
OPENS_AT(openat64)
#define FOPENS(name)                                                                    \
    FILE *name(const char *path, const char *how) {                                     \
        int say = strpbrk(how, "wa") ? ask_at("open", AT_FDCWD, path) : GO_ON;          \
        if (say != GO_ON && say != HALF) { errno = say; return NULL; }                  \
        return REAL(name)(path, how);                                                   \
    }
FOPENS(fopen)
FOPENS(fopen64)

/* Names, lengths, and what must be on the disk. */
#define CALL(name, parameters, asked, all)  \
    int name parameters {                   \
        OR_FAIL(asked);                     \
        return REAL(name) all;              \
    }
CALL(rename, (const char *from, const char *to), ask_at("rename", AT_FDCWD, to), (from, to))
CALL(renameat, (int a, const char *from, int b, const char *to), ask_at("rename", b, to), (a, from, b, to))
CALL(renameat2, (int a, const char *from, int b, const char *to, unsigned how), ask_at("rename", b, to), (a, from, b, to, how))
CALL(link, (const char *from, const char *to), ask_at("link", AT_FDCWD, to), (from, to))
CALL(linkat, (int a, const char *from, int b, const char *to, int how), ask_at("link", b, to), (a, from, b, to, how))
CALL(unlink, (const char *path), ask_at("unlink", AT_FDCWD, path), (path))
CALL(unlinkat, (int folder, const char *path, int how), ask_at("unlink", folder, path), (folder, path, how))
CALL(remove, (const char *path), ask_at("unlink", AT_FDCWD, path), (path))
CALL(rmdir, (const char *path), ask_at("rmdir", AT_FDCWD, path), (path))
CALL(mkdir, (const char *path, mode_t mode), ask_at("mkdir", AT_FDCWD, path), (path, mode))
CALL(mkdirat, (int folder, const char *path, mode_t mode), ask_at("mkdir", folder, path), (folder, path, mode))
CALL(truncate, (const char *path, off_t size), ask_at("truncate", AT_FDCWD, path), (path, size))
CALL(truncate64, (const char *path, off64_t size), ask_at("truncate", AT_FDCWD, path), (path, size))
CALL(ftruncate, (int fd, off_t size), ask_fd("truncate", fd), (fd, size))
CALL(ftruncate64, (int fd, off64_t size), ask_fd("truncate", fd), (fd, size))
CALL(fsync, (int fd), ask_fd("fsync", fd), (fd))
CALL(fdatasync, (int fd), ask_fd("fsync", fd), (fd))

/* The clock of the wall, as this process sees it; what measures durations goes on as it was. */
static long shift_s;
void luyu_shift_clock(long seconds) { shift_s = seconds; }
int clock_gettime(clockid_t clock, struct timespec *now) {
    int said = REAL(clock_gettime)(clock, now);
    if (said == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift_s;
    return said;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return at ? (*at = now.tv_sec) : now.tv_sec;
}
