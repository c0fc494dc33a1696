/*
 * A power failure, made of what the interposed layer logged (shim.h).
 *
 *	powercut init LOG		before a switch starts
 *	powercut apply LOG SPOOL SEED	when all its processes are dead
 *
 * The spool becomes what a disk may hold that keeps what was synced:
 *
 * Data: each sector of 512 octets holds what it had at the last sync of its
 * file, or after any of the writes since: so writes may be lost, torn, or
 * arrive in any order, but never older data over newer in the same sector. A
 * truncation that is lost takes with it what was written after it.
 *
 * Names: a change (create, unlink, rename, mkdir) is sure once a directory
 * that it changes was synced; then so is all that happened before to the same
 * file or name. Any other may be undone, and then so is all that builds on it.
 * A rename happens whole or not at all, as on every file system with a log.
 *
 * How much goes is chosen by the seed: everything, nothing, or anything
 * between. Prints one line of counts. The logs are emptied: what is there now
 * is on the disk.
 */
#include "tests/crash/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define PATH 4096

struct op {
	struct crash_entry e;
	const char *name, *to;
	const uint8_t *old, *new;
	bool sure, lost; /* of a name */
};

/* A file or directory that there is, or that was unlinked (in graves). */
struct inode {
	uint64_t ino, size;
	uint64_t synced; /* writes and names before this are sure */
	char *path;
	bool barrier;  /* a truncation was lost: so is what came after */
	uint8_t *lost; /* sectors that get no more: a flag for each */
	uint64_t n_lost;
};

struct sums {
	unsigned long writes, unsynced, lost, torn, names, names_lost;
};

static struct op *ops;
static size_t n_ops;
static struct inode *inodes;
static size_t n_inodes;
static uint64_t dice;
static struct sums sums;

static void
die(const char *what)
{
	fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
grow(void *p, size_t n, size_t size)
{
	if (n % 1024 == 0)
		p = realloc(p, (n + 1024) * size);
	if (p == NULL)
		die("memory");
	return p;
}

/* xorshift64*: the same for the same seed everywhere */
static unsigned
chance(unsigned of)
{
	dice ^= dice >> 12;
	dice ^= dice << 25;
	dice ^= dice >> 27;
	return (unsigned)((dice * 2685821657736338717u) >> 33) % of;
}

/* --- reading --- */

static void
add_op(const struct crash_entry *e, const uint8_t *p)
{
	struct op *o;

	ops = grow(ops, n_ops, sizeof(*ops));
	o = &ops[n_ops++];
	*o = (struct op){.e = *e};
	o->name = e->names > 0 ? (const char *)p : "";
	o->to =
	    e->names > strlen(o->name) + 1 ? o->name + strlen(o->name) + 1 : "";
	o->old = p + e->names;
	o->new = o->old + e->n_old;
}

/* The last entry may be half there: its process died in it. */
static void
read_log(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct crash_entry e;
	struct stat st;
	uint8_t *p;
	size_t at = 0, n;

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	n = (size_t)st.st_size;
	p = n > 0 ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (p == MAP_FAILED)
		die(path);
	close(fd);
	while (n - at >= sizeof(e)) {
		memcpy(&e, p + at, sizeof(e));
		if (e.magic != CRASH_MAGIC)
			die("the log is damaged");
		if (n - at - sizeof(e) < e.names + e.n_old + e.n_new)
			break;
		add_op(&e, p + at + sizeof(e));
		at += sizeof(e) + e.names + e.n_old + e.n_new;
	}
}

static int
by_seq(const void *x, const void *y)
{
	uint64_t a = ((const struct op *)x)->e.seq;
	uint64_t b = ((const struct op *)y)->e.seq;

	return a < b ? -1 : a > b;
}

static void
each_file(const char *dir, void (*fn)(const char *path))
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[PATH];

	if (d == NULL)
		die(dir);
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%.3000s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			fn(path);
	}
	closedir(d);
}

static void
read_if_log(const char *path)
{
	size_t n = strlen(path);

	if (n > 4 && strcmp(path + n - 4, ".log") == 0)
		read_log(path);
}

static int
add_inode(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)type;
	(void)w;
	inodes = grow(inodes, n_inodes, sizeof(*inodes));
	inodes[n_inodes++] = (struct inode){.ino = st->st_ino,
	    .size = (uint64_t)st->st_size,
	    .path = strdup(path)};
	return 0;
}

static int
by_ino(const void *x, const void *y)
{
	uint64_t a = ((const struct inode *)x)->ino;
	uint64_t b = ((const struct inode *)y)->ino;

	return a < b ? -1 : a > b;
}

/* NULL: it went without a trace (a process died before it logged that). */
static struct inode *
inode_of(uint64_t ino)
{
	struct inode key = {.ino = ino};

	return bsearch(&key, inodes, n_inodes, sizeof(key), by_ino);
}

static void
find_syncs(void)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct inode *f = inode_of(ops[i].e.ino);

		if (ops[i].e.kind == CRASH_SYNC && f != NULL &&
		    ops[i].e.offset > f->synced)
			f->synced = ops[i].e.offset;
	}
}

/* --- data --- */

static bool
is_data(const struct op *o)
{
	return o->e.kind == CRASH_WRITE || o->e.kind == CRASH_TRUNCATE;
}

static void
put(const struct inode *f, const uint8_t *p, uint64_t n, uint64_t at)
{
	static const uint8_t zeros[SECTOR];
	int fd = open(f->path, O_WRONLY);
	uint64_t k;

	if (fd < 0)
		die(f->path);
	for (; n > 0; n -= k, at += k) {
		k = p == NULL && n > SECTOR ? SECTOR : n;
		if (pwrite(fd, p != NULL ? p : zeros, k, (off_t)at) !=
		    (ssize_t)k)
			die(f->path);
		p = p != NULL ? p + k : NULL;
	}
	close(fd);
}

static void
take_back(const struct op *o, const struct inode *f)
{
	if (truncate(f->path, (off_t)o->e.size) != 0)
		die(f->path);
	if (o->e.n_old > 0)
		put(f, o->old, o->e.n_old, o->e.offset);
}

static bool
sector_lost(struct inode *f, uint64_t sector, bool lose)
{
	if (sector >= f->n_lost) {
		uint64_t n = sector + 1024;

		f->lost = realloc(f->lost, n);
		if (f->lost == NULL)
			die("memory");
		memset(f->lost + f->n_lost, 0, n - f->n_lost);
		f->n_lost = n;
	}
	if (lose)
		f->lost[sector] = 1;
	return f->lost[sector];
}

/* How one write fares: whole, gone, the first sectors only, any of them. */
enum fate { WHOLE, GONE, PREFIX, ANY };

static enum fate
fate_of(unsigned mood)
{
	static const enum fate mixed[] = {
	    WHOLE, WHOLE, GONE, GONE, PREFIX, ANY, ANY};

	if (mood < 2)
		return mood == 0 ? GONE : WHOLE;
	return mixed[chance(sizeof(mixed) / sizeof(*mixed))];
}

static void
write_again(const struct op *o, struct inode *f, enum fate fate)
{
	uint64_t n = o->e.n_new + o->e.zeros, at = o->e.offset, k;
	uint64_t sectors = (at % SECTOR + n + SECTOR - 1) / SECTOR;
	uint64_t keep = fate == PREFIX ? chance((unsigned)sectors + 1) : 0;
	const uint8_t *p = o->e.n_new > 0 ? o->new : NULL;
	unsigned long here = 0, gone = 0;

	for (uint64_t i = 0; i < sectors; i++, n -= k, at += k) {
		bool lose = fate == GONE || (fate == PREFIX && i >= keep) ||
		    (fate == ANY && chance(2) == 0);

		k = SECTOR - at % SECTOR < n ? SECTOR - at % SECTOR : n;
		if (sector_lost(f, at / SECTOR, lose || f->barrier)) {
			gone++;
		} else {
			put(f, p, k, at);
			here++;
		}
		p = p != NULL ? p + k : NULL;
	}
	sums.lost += here == 0;
	sums.torn += here > 0 && gone > 0;
}

static void
do_again(const struct op *o, unsigned mood)
{
	struct inode *f = inode_of(o->e.ino);
	enum fate fate = fate_of(mood);

	if (o->e.kind == CRASH_WRITE) {
		write_again(o, f, fate);
	} else if (fate == WHOLE && !f->barrier) {
		if (truncate(f->path, (off_t)o->e.offset) != 0)
			die(f->path);
	} else {
		f->barrier = true;
		sums.lost++;
	}
}

static bool
is_loose(const struct op *o)
{
	const struct inode *f = inode_of(o->e.ino);

	return is_data(o) && f != NULL && o->e.seq >= f->synced;
}

static void
cut_data(unsigned mood)
{
	for (size_t i = n_ops; i-- > 0;)
		if (is_loose(&ops[i]))
			take_back(&ops[i], inode_of(ops[i].e.ino));
	for (size_t i = 0; i < n_ops; i++) {
		sums.writes += is_data(&ops[i]);
		if (is_loose(&ops[i])) {
			sums.unsynced++;
			do_again(&ops[i], mood);
		}
	}
}

/* --- names --- */

static bool
is_name(const struct op *o)
{
	return o->e.kind >= CRASH_CREATE && o->e.kind <= CRASH_RENAME;
}

static bool
dir_synced(uint64_t dir, uint64_t seq)
{
	const struct inode *d = dir != 0 ? inode_of(dir) : NULL;

	return d != NULL && seq < d->synced;
}

static bool
same_place(uint64_t dir, const char *name, const struct op *o)
{
	return (dir == o->e.dir && strcmp(name, o->name) == 0) ||
	    (dir == o->e.to_dir && dir != 0 && strcmp(name, o->to) == 0);
}

static bool
depends(const struct op *later, const struct op *earlier)
{
	return later->e.ino == earlier->e.ino ||
	    same_place(later->e.dir, later->name, earlier) ||
	    (later->e.to_dir != 0 &&
		same_place(later->e.to_dir, later->to, earlier));
}

/* All changes of names that may be undone, in order; their number. */
static size_t
loose_names(struct op **v)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < n_ops; i++)
		if (is_name(&ops[i]))
			v[n++] = &ops[i];
	sums.names = n;
	for (size_t i = n; i-- > 0;) {
		v[i]->sure = dir_synced(v[i]->e.dir, v[i]->e.seq) ||
		    dir_synced(v[i]->e.to_dir, v[i]->e.seq) ||
		    inode_of(v[i]->e.ino) == NULL;
		for (size_t j = i + 1; !v[i]->sure && j < n; j++)
			v[i]->sure = v[j]->sure && depends(v[j], v[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (!v[i]->sure)
			v[kept++] = v[i];
	return kept;
}

static bool
place(uint64_t dir, const char *name, char out[PATH])
{
	const struct inode *d = inode_of(dir);

	if (d == NULL)
		return false;
	snprintf(out, PATH, "%.2000s/%.2000s", d->path, name);
	return true;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static void
undo_name(const struct op *o, const char *log)
{
	char from[PATH], to[PATH], grave[PATH];

	snprintf(grave, sizeof(grave), "%s/graves/%llu", log,
	    (unsigned long long)o->e.seq);
	if (!place(o->e.dir, o->name, from))
		return;
	switch (o->e.kind) {
	case CRASH_CREATE: unlink(from); break;
	case CRASH_MKDIR:
		nftw(from, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		break;
	case CRASH_UNLINK:
		if (link(grave, from) != 0 && errno != EEXIST)
			die(from);
		break;
	case CRASH_RENAME:
		if (!place(o->e.to_dir, o->to, to) || rename(to, from) != 0)
			die(to);
		if (link(grave, to) != 0 && errno != ENOENT)
			die(to);
		break;
	}
}

static void
cut_names(unsigned mood, const char *log)
{
	struct op **v = calloc(n_ops + 1, sizeof(*v));
	size_t n;

	if (v == NULL)
		die("memory");
	n = loose_names(v);
	for (size_t i = 0; i < n; i++) {
		v[i]->lost = mood < 2 ? mood == 0 : chance(2) == 0;
		for (size_t j = 0; j < i && !v[i]->lost; j++)
			v[i]->lost = v[j]->lost && depends(v[i], v[j]);
	}
	for (size_t i = n; i-- > 0;)
		if (v[i]->lost) {
			undo_name(v[i], log);
			sums.names_lost++;
		}
	free(v);
}

/* --- both commands --- */

static void
forget(const char *path)
{
	size_t n = strlen(path);

	if ((n > 4 && strcmp(path + n - 4, ".log") == 0) ||
	    strstr(path, "/graves/") != NULL)
		unlink(path);
}

static int
init(const char *log)
{
	char path[PATH];
	int fd;

	snprintf(path, sizeof(path), "%s/graves", log);
	if ((mkdir(log, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(path, 0700) != 0 && errno != EEXIST))
		die(path);
	snprintf(path, sizeof(path), "%s/shared", log);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	/* 0 stands for "none": the first number is 1 */
	if (fd < 0 || ftruncate(fd, sizeof(struct crash_shared)) != 0 ||
	    pwrite(fd, &(uint64_t){1}, sizeof(uint64_t), 0) != sizeof(uint64_t))
		die(path);
	close(fd);
	return 0;
}

static int
apply(const char *log, const char *spool, uint64_t seed)
{
	static const unsigned moods[] = {0, 1, 2, 2, 2, 2};
	char graves[PATH];

	dice = seed * 0x9e3779b97f4a7c15u + 1;
	snprintf(graves, sizeof(graves), "%s/graves", log);
	each_file(log, read_if_log);
	qsort(ops, n_ops, sizeof(*ops), by_seq);
	if (nftw(graves, add_inode, 16, FTW_PHYS) != 0 ||
	    nftw(spool, add_inode, 16, FTW_PHYS) != 0)
		die(spool);
	/* of an unlinked file that came back under a name, either path does */
	qsort(inodes, n_inodes, sizeof(*inodes), by_ino);
	find_syncs();
	for (int i = 0; i < 8; i++)
		chance(2);
	cut_data(moods[chance(6)]);
	cut_names(moods[chance(6)], log);
	printf("%lu writes, of %lu un-synced %lu lost and %lu torn; %lu "
	       "changes of names, %lu lost\n",
	    sums.writes, sums.unsynced, sums.lost, sums.torn, sums.names,
	    sums.names_lost);
	each_file(log, forget);
	each_file(graves, forget);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "init") == 0)
		return init(argv[2]);
	if (argc == 5 && strcmp(argv[1], "apply") == 0)
		return apply(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	fprintf(stderr, "powercut init LOG | apply LOG SPOOL SEED\n");
	return 2;
}
