/*
 * libcrash.so, preloaded into every process of a switch: logs what is done to
 * the spool (shim.h), and kills at named points.
 *
 * ISTHMUS_CRASH holds points, separated by blanks, each
 *
 *	PROGRAM:CALL:PATTERN:WHEN:COUNT:ACTION
 *	smtpd:fdatasync:segments/[0-9]*.seg:before:7:kill
 *
 * PROGRAM and PATTERN are shell patterns (the latter for the path below the
 * spool), CALL the function (all forms of a function have the plain name:
 * open, write, rename; both syncs are fdatasync), WHEN before or after it
 * is done. COUNT is over all processes of the switch, and each point strikes
 * once. ACTION: kill (this process) or cut (the process that leads the session, and
 * the process group: the power fails). Messages between processes count too: CALL sendmsg, and PATTERN
 * "qmgr" for what a child tells qmgr, "child" for what qmgr tells one.
 */
#include "tests/crash/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS 65536
#define PATH 4096
#define QMGR_FD 3

struct point {
	char *program, *call, *pattern, *text;
	bool after, cut;
	unsigned long at;
	unsigned index;
};

/* One for the process; set before main, read-only after that. */
static struct {
	char spool[PATH];
	size_t spool_n;
	char log[PATH];
	unsigned sync_us;
	const char *lie; /* NULL: none */
	struct crash_shared *shared;
	struct point points[CRASH_MAX_POINTS];
	unsigned n_points;
} conf;
static bool below_spool[FDS]; /* descriptors of files in it */
static int log_fd = -1;

/* The functions that we stand before. */
#define REAL(name) ((__typeof__(&name))real(#name))
static void *
real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	return p;
}

/* --- set-up --- */

static void
add_point(char *text)
{
	struct point *p = &conf.points[conf.n_points];
	char *f[6], *rest;

	p->text = strdup(text);
	p->index = conf.n_points++;
	for (int i = 0; i < 6; i++) {
		f[i] = strtok_r(i == 0 ? text : NULL, ":", &rest);
		if (f[i] == NULL)
			abort();
	}
	p->program = strdup(f[0]);
	p->call = strdup(f[1]);
	p->pattern = strdup(f[2]);
	p->after = strcmp(f[3], "after") == 0;
	p->at = strtoul(f[4], NULL, 10);
	p->cut = strcmp(f[5], "cut") == 0;
}

static void
read_points(void)
{
	const char *env = getenv(CRASH_POINTS);
	char *text = strdup(env != NULL ? env : ""), *rest = NULL, *word;

	for (word = strtok_r(text, " ", &rest);
	     word != NULL && conf.n_points < CRASH_MAX_POINTS;
	     word = strtok_r(NULL, " ", &rest))
		add_point(word);
	free(text);
}

__attribute__((constructor)) static void
set_up(void)
{
	const char *spool = getenv(CRASH_SPOOL), *dir = getenv(CRASH_LOG);
	const char *us = getenv(CRASH_SYNC_US);
	char path[PATH + 16];
	int fd;

	if (spool == NULL || dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/shared", dir);
	fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	conf.shared = mmap(NULL, sizeof(*conf.shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	REAL(close)(fd);
	if (conf.shared == MAP_FAILED)
		abort();
	snprintf(conf.spool, sizeof(conf.spool), "%s/", spool);
	conf.spool_n = strlen(conf.spool);
	snprintf(conf.log, sizeof(conf.log), "%s", dir);
	conf.sync_us = us != NULL ? (unsigned)atoi(us) : 0;
	conf.lie = getenv(CRASH_LIE);
	read_points();
	/* opened here, so that threads need not agree on who does it */
	snprintf(path, sizeof(path), "%s/%d-%llu.log", dir, (int)getpid(),
	    (unsigned long long)conf.shared->seq);
	log_fd =
	    REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	/* out of the way of the descriptors that programs expect */
	if (log_fd >= 0) {
		fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 900);
		REAL(close)(log_fd);
		log_fd = fd;
	}
	if (log_fd < 0)
		abort();
}

/* --- paths --- */

static bool
path_of_fd(int fd, char out[PATH])
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH - 1);
	if (n < 0)
		return false;
	out[n] = '\0';
	return true;
}

/* False: it is not below the spool. */
static bool
resolve(int dir, const char *path, char out[PATH])
{
	char base[PATH];

	if (conf.shared == NULL)
		return false;
	if (path[0] == '/' || dir == AT_FDCWD)
		snprintf(out, PATH, "%s", path);
	else if (path_of_fd(dir, base))
		snprintf(out, PATH, "%.2000s/%.2000s", base, path);
	else
		return false;
	return strncmp(out, conf.spool, conf.spool_n) == 0;
}

/* Without what stands before it. */
static const char *
below(const char *path)
{
	if (strncmp(path, conf.spool, conf.spool_n) == 0)
		return path + conf.spool_n;
	return ".";
}

static bool
is_ours(int fd)
{
	return fd >= 0 && fd < FDS && below_spool[fd];
}

static uint64_t
inode_at(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* Of the directory that a name is in. */
static uint64_t
directory_of(const char *path, const char **name)
{
	char parent[PATH];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		return 0;
	*name = path + (slash - parent) + 1;
	*slash = '\0';
	return inode_at(parent);
}

/* --- the log --- */

static uint64_t
draw(void)
{
	return atomic_fetch_add(&conf.shared->seq, 1);
}

static void
put_log(struct crash_entry *e, const char *name, const char *to,
    const void *old, const void *new)
{
	struct iovec v[5] = {{e, sizeof(*e)}};
	size_t n = 0;

	e->magic = CRASH_MAGIC;
	v[1].iov_base = (void *)(uintptr_t)name;
	v[1].iov_len = name != NULL ? strlen(name) + 1 : 0;
	v[2].iov_base = (void *)(uintptr_t)to;
	v[2].iov_len = to != NULL ? strlen(to) + 1 : 0;
	e->names = (uint32_t)(v[1].iov_len + v[2].iov_len);
	v[3].iov_base = (void *)(uintptr_t)old;
	v[3].iov_len = e->n_old;
	v[4].iov_base = (void *)(uintptr_t) new;
	v[4].iov_len = e->n_new;
	for (int i = 0; i < 5; i++)
		n += v[i].iov_len;
	/* a log that lies would be worse than none */
	if (writev(log_fd, v, 5) != (ssize_t)n)
		abort();
}

static void
strike(const struct point *p)
{
	char path[PATH + 16], line[512];
	struct timespec ts;
	int fd, n;

	clock_gettime(CLOCK_REALTIME, &ts);
	n = snprintf(line, sizeof(line), "%lld.%03ld %s %.400s\n",
	    (long long)ts.tv_sec, ts.tv_nsec / 1000000,
	    program_invocation_short_name, p->text);
	snprintf(path, sizeof(path), "%s/strikes", conf.log);
	fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || REAL(write)(fd, line, (size_t)n) != n)
		abort();
	/* the guard first: it would start another qmgr */
	if (p->cut && kill(getsid(0), SIGKILL) == 0)
		kill(0, SIGKILL);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* A call on that path (below the spool) is about to be done, or was done. */
static void
at_point(const char *call, const char *path, bool after)
{
	int saved = errno;

	for (unsigned i = 0; i < conf.n_points; i++) {
		const struct point *p = &conf.points[i];

		if (p->after == after && strcmp(p->call, call) == 0 &&
		    fnmatch(p->program, program_invocation_short_name, 0) ==
			0 &&
		    fnmatch(p->pattern, path, 0) == 0 &&
		    atomic_fetch_add(&conf.shared->count[p->index], 1) + 1 ==
			p->at)
			strike(p);
	}
	errno = saved;
}

static void
at_fd(const char *call, int fd, bool after)
{
	char path[PATH];

	if (conf.n_points > 0 && path_of_fd(fd, path))
		at_point(call, below(path), after);
}

/* --- data --- */

static bool
all_zero(const uint8_t *p, size_t n)
{
	return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static void
log_write(int fd, const void *data, size_t n, off_t offset)
{
	struct crash_entry e = {
	    .kind = CRASH_WRITE, .offset = (uint64_t)offset};
	struct stat st;
	void *old;
	ssize_t got;

	if (fstat(fd, &st) != 0)
		return;
	e.seq = draw();
	e.ino = st.st_ino;
	e.size = (uint64_t)st.st_size;
	old = malloc(n > 0 ? n : 1);
	if (old == NULL)
		abort();
	/* of a descriptor that only writes, the file is opened once more */
	got = pread(fd, old, n, offset);
	if (got < 0) {
		char path[PATH];
		int again;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		again = REAL(open)(path, O_RDONLY | O_CLOEXEC);
		got = pread(again, old, n, offset);
		REAL(close)(again);
	}
	e.n_old = got > 0 ? (uint64_t)got : 0;
	if (all_zero(data, n))
		e.zeros = n;
	else
		e.n_new = n;
	put_log(&e, NULL, NULL, old, data);
	free(old);
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t offset)
{
	ssize_t k;

	if (!is_ours(fd))
		return REAL(pwrite)(fd, data, n, offset);
	at_fd("write", fd, false);
	log_write(fd, data, n, offset);
	k = REAL(pwrite)(fd, data, n, offset);
	at_fd("write", fd, true);
	return k;
}

ssize_t
write(int fd, const void *data, size_t n)
{
	static __typeof__(&write) next;
	ssize_t k;
	off_t at;
	int flags;

	if (next == NULL)
		next = REAL(write);
	if (!is_ours(fd))
		return next(fd, data, n);
	at_fd("write", fd, false);
	flags = fcntl(fd, F_GETFL);
	at = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
	if (at >= 0)
		log_write(fd, data, n, at);
	k = next(fd, data, n);
	at_fd("write", fd, true);
	return k;
}

static void
log_truncate(int fd, off_t to)
{
	struct crash_entry e = {.kind = CRASH_TRUNCATE, .offset = (uint64_t)to};
	void *old = NULL;
	char path[40];
	struct stat st;
	int again;

	if (fstat(fd, &st) != 0)
		return;
	e.seq = draw();
	e.ino = st.st_ino;
	e.size = (uint64_t)st.st_size;
	if (st.st_size > to) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		again = REAL(open)(path, O_RDONLY | O_CLOEXEC);
		old = malloc((size_t)(st.st_size - to));
		if (old == NULL ||
		    pread(again, old, (size_t)(st.st_size - to), to) !=
			st.st_size - to)
			abort();
		REAL(close)(again);
		e.n_old = (uint64_t)(st.st_size - to);
	}
	put_log(&e, NULL, NULL, old, NULL);
	free(old);
}

int
ftruncate(int fd, off_t length)
{
	int rc;

	if (!is_ours(fd))
		return REAL(ftruncate)(fd, length);
	at_fd("ftruncate", fd, false);
	log_truncate(fd, length);
	rc = REAL(ftruncate)(fd, length);
	at_fd("ftruncate", fd, true);
	return rc;
}

/* Room that nobody wrote to reads as zeros: a change of the size. */
int
fallocate(int fd, int mode, off_t offset, off_t n)
{
	struct stat st;

	if (is_ours(fd) && mode == 0 && fstat(fd, &st) == 0 &&
	    offset + n > st.st_size)
		log_truncate(fd, offset + n);
	return REAL(fallocate)(fd, mode, offset, n);
}

int
posix_fallocate(int fd, off_t offset, off_t n)
{
	return fallocate(fd, 0, offset, n) == 0 ? 0 : errno;
}

/* --- syncs --- */

static void
take_longer(void)
{
	struct timespec ts = {0};
	uint32_t x = (uint32_t)draw() * 2654435761u;

	if (conf.sync_us == 0)
		return;
	ts.tv_nsec = (long)((x >> 8) % conf.sync_us) * 1000;
	nanosleep(&ts, NULL);
}

static bool
is_a_lie(int fd)
{
	char path[PATH];

	return conf.lie != NULL && path_of_fd(fd, path) &&
	    fnmatch(conf.lie, below(path), 0) == 0;
}

static int
sync_and_log(int fd, __typeof__(&fsync) next)
{
	struct crash_entry e = {.kind = CRASH_SYNC};
	struct stat st;
	int rc;

	/* directories are opened for nothing else, so they are looked at here */
	if (conf.shared == NULL || fstat(fd, &st) != 0 ||
	    (!is_ours(fd) && !S_ISDIR(st.st_mode)))
		return next(fd);
	at_fd("fdatasync", fd, false);
	e.offset = draw();
	e.ino = st.st_ino;
	take_longer();
	rc = next(fd);
	if (rc == 0 && !is_a_lie(fd)) {
		e.seq = draw();
		put_log(&e, NULL, NULL, NULL, NULL);
	}
	at_fd("fdatasync", fd, true);
	return rc;
}

int
fdatasync(int fd)
{
	return sync_and_log(fd, REAL(fdatasync));
}

int
fsync(int fd)
{
	return sync_and_log(fd, REAL(fsync));
}

/* It promises nothing, so it does nothing. */
int
sync_file_range(int fd, off_t offset, off_t n, unsigned flags)
{
	if (!is_ours(fd))
		return REAL(sync_file_range)(fd, offset, n, flags);
	at_fd("sync_file_range", fd, false);
	return 0;
}

/* --- names --- */

static void
log_name(enum crash_kind kind, uint64_t seq, uint64_t ino, const char *path)
{
	struct crash_entry e = {.kind = kind, .seq = seq, .ino = ino};
	const char *name = "";

	e.dir = directory_of(path, &name);
	put_log(&e, name, NULL, NULL, NULL);
}

static int
open_ours(int dir, const char *path, int flags, mode_t mode)
{
	char full[PATH];
	bool ours = resolve(dir, path, full), created = false;
	uint64_t seq = 0;
	int fd;

	if (!ours) {
		fd = REAL(openat)(dir, path, flags, mode);
		if (fd >= 0 && fd < FDS)
			below_spool[fd] = false;
		return fd;
	}
	at_point("open", below(full), false);
	if (flags & O_CREAT) {
		seq = draw();
		created = inode_at(full) == 0;
	}
	/* what a cut takes away is logged: not left to the kernel */
	fd = REAL(openat)(dir, path, flags & ~O_TRUNC, mode);
	if (fd >= 0 && fd < FDS)
		below_spool[fd] = true;
	if (fd >= 0 && created)
		log_name(CRASH_CREATE, seq, inode_at(full), full);
	if (fd >= 0 && flags & O_TRUNC && ftruncate(fd, 0) != 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		at_point("open", below(full), true);
	return fd;
}

#define MODE_OF(flags, mode)                             \
	do {                                             \
		if ((flags) & (O_CREAT | __O_TMPFILE)) { \
			va_list ap;                      \
			va_start(ap, flags);             \
			mode = va_arg(ap, mode_t);       \
			va_end(ap);                      \
		}                                        \
	} while (0)

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_ours(AT_FDCWD, path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_ours(dir, path, flags, mode);
}

int
close(int fd)
{
	if (fd == log_fd && fd >= 0)
		return 0;
	if (fd >= 0 && fd < FDS)
		below_spool[fd] = false;
	return REAL(close)(fd);
}

static void
grave_path(uint64_t seq, char out[PATH + 64])
{
	snprintf(out, PATH + 64, "%s/graves/%llu", conf.log,
	    (unsigned long long)seq);
}

int
unlinkat(int dir, const char *path, int flags)
{
	char full[PATH], grave[PATH + 64];
	uint64_t seq, ino;
	int rc;

	if (flags != 0 || !resolve(dir, path, full))
		return REAL(unlinkat)(dir, path, flags);
	at_point("unlink", below(full), false);
	seq = draw();
	ino = inode_at(full);
	grave_path(seq, grave);
	if (ino != 0)
		(void)!link(full, grave);
	rc = REAL(unlinkat)(dir, path, flags);
	if (rc == 0)
		log_name(CRASH_UNLINK, seq, ino, full);
	at_point("unlink", below(full), true);
	return rc;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

static int
rename_real(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

int
renameat2(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	struct crash_entry e = {.kind = CRASH_RENAME};
	char full[PATH], to_full[PATH], grave[PATH + 64];
	const char *name = "", *to_name = "";
	int rc;

	if (!resolve(from_dir, from, full) || !resolve(to_dir, to, to_full))
		return rename_real(from_dir, from, to_dir, to, flags);
	at_point("rename", below(to_full), false);
	e.seq = draw();
	e.ino = inode_at(full);
	grave_path(e.seq, grave);
	if (flags == 0)
		(void)!link(to_full, grave);
	rc = rename_real(from_dir, from, to_dir, to, flags);
	if (rc == 0) {
		e.dir = directory_of(full, &name);
		e.to_dir = directory_of(to_full, &to_name);
		put_log(&e, name, to_name, NULL, NULL);
		at_point("rename", below(to_full), true);
	}
	return rc;
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int
rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	char full[PATH];
	bool ours = resolve(dir, path, full);
	uint64_t seq = ours ? draw() : 0;
	int rc = REAL(mkdirat)(dir, path, mode);

	if (ours && rc == 0)
		log_name(CRASH_MKDIR, seq, inode_at(full), full);
	return rc;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* --- messages --- */

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	const char *to =
	    fd == QMGR_FD && strcmp(program_invocation_short_name, "qmgr") != 0
	    ? "qmgr"
	    : "child";
	ssize_t n;

	at_point("sendmsg", to, false);
	n = REAL(sendmsg)(fd, m, flags);
	at_point("sendmsg", to, true);
	return n;
}
