/*
 * The directory of kept transfers: names, locks, limits, age.
 */
#include "p1/x400p1_keep_own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/log.h"

#define LAYER "transfers"
#define DIGEST 16 /* octets of it in a name */

/* --- the store --- */

struct x_keep *
x_keep_open(const struct x_keep_params *p, struct err *e)
{
	struct x_keep *k;
	int fd;

	if (mkdir(p->directory, 0700) < 0 && errno != EEXIST) {
		err_sys(e, LAYER, "cannot make %s", p->directory);
		return NULL;
	}
	fd = open(p->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, LAYER, "cannot open %s", p->directory);
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	k->params = *p;
	k->params.directory = NULL; /* the caller's text */
	k->dir = fd;
	return k;
}

void
x_keep_close(struct x_keep **k)
{
	if (*k == NULL)
		return;
	close((*k)->dir);
	free(*k);
	*k = NULL;
}

/* --- names --- */

void
x_keep_name(
    const char *peer, const struct buf *key, const char *suffix, char *out)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * DIGEST + 1];

	INVARIANT(EVP_Digest(key->data, key->len, digest, NULL, EVP_sha256(),
		      NULL) == 1);
	for (size_t i = 0; i < DIGEST; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(out, X_KEEP_NAME, "%.64s-%s.%s", peer, hex, suffix);
}

/* Of whom a file is: all before its last '-'. */
static bool
is_of(const char *name, const char *peer)
{
	const char *end = strrchr(name, '-');
	size_t n = strlen(peer);

	return end != NULL && (size_t)(end - name) == n &&
	    memcmp(name, peer, n) == 0;
}

/* --- locks --- */

/* Between our open and our lock, the one who had it may have removed it. */
static bool
still_there(const struct x_keep *k, int fd, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 &&
	    fstatat(k->dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

bool
x_keep_lock(struct x_keep *k, const char *peer, const char *name, bool create,
    struct x_keep_file *out)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
	int fd = openat(k->dir, name, flags, 0600);

	snprintf(out->peer, sizeof(out->peer), "%s", peer);
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->fd = fd;
	if (fd < 0) {
		if (errno != ENOENT)
			x_keep_failed(out, "opening it");
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && still_there(k, fd, name))
		return true;
	close(fd);
	out->fd = -1;
	return false;
}

void
x_keep_unlock(struct x_keep *k, struct x_keep_file *f, bool remove)
{
	if (f->fd < 0)
		return;
	if (remove && unlinkat(k->dir, f->name, 0) < 0 && errno != ENOENT)
		x_keep_failed(f, "removing it");
	close(f->fd);
	f->fd = -1;
}

/* --- what is there --- */

struct entry {
	char name[X_KEEP_NAME];
	uint64_t octets;
	int64_t changed;
};

struct listing {
	struct entry *v;
	size_t n;
};

static bool
ends_in(const char *name, const char *suffix)
{
	const char *end = strrchr(name, '.');

	return end != NULL && strcmp(end + 1, suffix) == 0;
}

/* One that says something of a transfer, and has none of its octets. */
static bool
is_mark(const char *name)
{
	return ends_in(name, X_KEEP_DONE) || ends_in(name, X_KEEP_TWO) ||
	    ends_in(name, X_KEEP_BUSY);
}

static bool
look_at(const struct x_keep *k, struct entry *x)
{
	struct stat st;

	if (fstatat(k->dir, x->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	x->octets = (uint64_t)st.st_size;
	x->changed = st.st_mtime;
	return true;
}

/* Of marks, which may be many, the name alone is known. */
static void
list_add(struct x_keep *k, struct listing *l, const char *name)
{
	struct entry *x;

	if (strlen(name) >= X_KEEP_NAME || strrchr(name, '-') == NULL)
		return;
	/* doubling, when n is a power of two */
	if ((l->n & (l->n - 1)) == 0)
		l->v =
		    xrealloc(l->v, (l->n > 0 ? 2 * l->n : 1) * sizeof(*l->v));
	x = &l->v[l->n];
	x->octets = 0;
	x->changed = INT64_MAX;
	snprintf(x->name, sizeof(x->name), "%s", name);
	if (is_mark(name) || look_at(k, x))
		l->n++;
}

static struct listing
list(struct x_keep *k)
{
	struct listing l = {0};
	int fd = openat(k->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *de;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return l;
	}
	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			list_add(k, &l, de->d_name);
	closedir(d);
	return l;
}

/* False: somebody uses it. */
static bool
discard(struct x_keep *k, const char *name, const char *why)
{
	struct x_keep_file f;

	if (!x_keep_lock(k, "", name, false, &f))
		return false;
	log_event(LOG_LEVEL_INFO, "cut-off transfer dropped", "file", name,
	    "reason", why, NULL);
	x_keep_unlock(k, &f, true);
	return true;
}

void
x_keep_clean(struct x_keep *k, int64_t now)
{
	struct listing l = list(k);

	for (size_t i = 0; i < l.n; i++)
		if (look_at(k, &l.v[i]) &&
		    now - l.v[i].changed > k->params.max_age)
			discard(k, l.v[i].name, "too old");
	free(l.v);
}

/* --- room --- */

/* suffix: of a kind of marks; NULL: what is no mark. */
static bool
is_kind(const char *name, const char *suffix)
{
	return suffix != NULL ? ends_in(name, suffix) : !is_mark(name);
}

static struct entry *
oldest_of(struct listing *l, const char *peer, const char *suffix)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (is_of(l->v[i].name, peer) &&
		    is_kind(l->v[i].name, suffix) &&
		    (oldest == NULL || l->v[i].changed < oldest->changed))
			oldest = &l->v[i];
	return oldest;
}

struct tally {
	unsigned files;
	uint64_t octets;
};

static void
count(struct tally *t, const struct entry *x)
{
	t->files++;
	t->octets += x->octets;
}

static bool
fits(const struct tally *t, unsigned files, uint64_t octets)
{
	return t->files <= files && t->octets <= octets;
}

/* The peer's oldest one that can go; at the end the rest fits, or not. */
static bool
make_room(struct x_keep *k, struct listing *l, const char *peer,
    struct tally *own, struct tally *all)
{
	const struct x_keep_params *q = &k->params;
	struct entry *oldest;

	while (!fits(own, q->max_per_peer, q->octets_per_peer)) {
		oldest = oldest_of(l, peer, NULL);
		if (oldest == NULL)
			return false;
		if (discard(k, oldest->name, "the peer has too many")) {
			own->files--, all->files--;
			own->octets -= oldest->octets;
			all->octets -= oldest->octets;
		}
		oldest->name[0] = '\0'; /* nobody's */
	}
	return fits(all, q->max, q->octets);
}

static bool
disk_has(const struct x_keep *k, uint64_t octets)
{
	struct statvfs v;

	return fstatvfs(k->dir, &v) == 0 &&
	    (uint64_t)v.f_bavail * v.f_frsize >= k->params.low_water + octets;
}

/* Marks have no limit in octets, and of their own in files: as many as may be
 * under way, and a quarter more, so that they need not be looked at for each. */
static void
forget_marks(
    struct x_keep *k, struct listing *l, const char *peer, const char *suffix)
{
	unsigned n = 0;
	struct entry *oldest;

	for (size_t i = 0; i < l->n; i++)
		n += is_of(l->v[i].name, peer) && ends_in(l->v[i].name, suffix);
	if (n <= k->params.max_per_peer + k->params.max_per_peer / 4)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (is_of(l->v[i].name, peer) && ends_in(l->v[i].name, suffix))
			look_at(k, &l->v[i]);
	for (; n > k->params.max_per_peer; n--) {
		oldest = oldest_of(l, peer, suffix);
		unlinkat(k->dir, oldest->name, 0);
		oldest->name[0] = '\0';
	}
}

bool
x_keep_room(struct x_keep *k, const char *peer, unsigned file, uint64_t octets)
{
	struct listing l = list(k);
	struct tally own = {file, octets}, all = own;
	bool ok;

	for (size_t i = 0; i < l.n; i++) {
		if (is_mark(l.v[i].name))
			continue;
		count(&all, &l.v[i]);
		if (is_of(l.v[i].name, peer))
			count(&own, &l.v[i]);
	}
	forget_marks(k, &l, peer, X_KEEP_DONE);
	forget_marks(k, &l, peer, X_KEEP_TWO);
	ok = disk_has(k, octets) && make_room(k, &l, peer, &own, &all);
	free(l.v);
	return ok;
}

/* --- octets --- */

int
x_keep_write(int fd, const void *p, size_t n, uint64_t at)
{
	const uint8_t *from = p;

	while (n > 0) {
		ssize_t r = pwrite(fd, from, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return ERR_SYSTEM;
		from += r;
		at += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

int64_t
x_keep_read_at(int fd, void *p, size_t n, uint64_t at)
{
	uint8_t *to = p;
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, to + done, n - done, (off_t)(at + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (int64_t)done;
}

void
x_keep_header(const char mark[4], const struct buf *key, struct buf *out)
{
	buf_append(out, mark, 4);
	buf_put_u32(out, (uint32_t)key->len);
	buf_put_u32(out, crc32c(0, key->data, key->len));
	buf_append(out, key->data, key->len);
}

void
x_keep_corrupt(const struct x_keep_file *f, const char *why)
{
	log_event(LOG_LEVEL_WARN, "cut-off transfer unreadable", "peer",
	    f->peer, "file", f->name, "reason", why, NULL);
}

void
x_keep_failed(const struct x_keep_file *f, const char *doing)
{
	struct err e = ERR_INIT;

	err_sys(&e, LAYER, "%s", doing);
	log_err(LOG_LEVEL_WARN, "transfer not kept", &e, "peer", f->peer,
	    "file", f->name, NULL);
}
