/*
 * What a receiver keeps of a transfer: the octets between its checkpoints, one
 * block each.
 *
 *	file   = header block*
 *	block  = mark(4) serial(4) octets(4) checksum(4) octet*
 *
 * The checksum covers serial, count and octets; it is looked at when a block is
 * read, for a transfer may have many and an event must not take long. What was
 * accepted is a header, and one block without octets: the last checkpoint. It
 * is there before the octets go, whole (by renaming), so that whoever looks for
 * the octets first, and then for it, finds one of the two.
 *
 * While a transfer is being committed there is a locked file without octets,
 * so that nobody else commits it: its suffix is X_KEEP_BUSY.
 */
#include "p1/x400p1_keep_own.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/log.h"
#include "qmgr/wire.h"

/* suffixes */
#define IN_MAKING "new"
#define MARK "ITR1"
#define BLOCK_MARK 0x43484b50 /* "CHKP" */
#define BLOCK_HEADER 16
#define LOOK_EVERY (1u << 20) /* octets between two looks for room */
#define READ_PIECE 65536
#define CLAIM_TRIES 16

struct x_kept {
	struct x_keep *store;
	struct x_keep_file file;
	bool borrowed; /* read only: its octets are being committed for the
	                * association that has the lock */
	uint64_t end;  /* of the last block, in the file */
	uint64_t unseen;
	/* resumed: where reading is */
	uint64_t first;        /* block of the file */
	uint64_t octets;       /* in all blocks, of late ones too */
	uint64_t block;        /* the one at hand, in the file */
	uint64_t block_offset; /* its first octet, of the transfer */
	uint32_t block_n;
	uint64_t good;   /* a block whose checksum was looked at */
	uint32_t serial; /* of the last block */
};

struct block {
	uint32_t serial, n, crc;
};

/* --- naming --- */

static void
key_of(const char *peer, const struct rtse_activity *a, struct buf *out)
{
	const struct ses_conn_id *c = &a->association;

	q_out_text(out, peer);
	buf_putc(out, a->id_n);
	buf_append(out, a->id, a->id_n);
	buf_putc(out, c->user_n);
	buf_append(out, c->user, c->user_n);
	buf_putc(out, c->common_n);
	buf_append(out, c->common, c->common_n);
	buf_putc(out, c->add_n);
	buf_append(out, c->add, c->add_n);
}

/* --- writing --- */

static struct x_kept *
kept_new(struct x_keep *k, const struct x_keep_file *f)
{
	struct x_kept *x = xcalloc(1, sizeof(*x));

	x->store = k;
	x->file = *f;
	return x;
}

static bool
start_file(struct x_kept *x, const struct buf *key)
{
	struct buf h = {0};
	bool ok;

	x_keep_header(MARK, key, &h);
	ok = ftruncate(x->file.fd, 0) == 0 &&
	    x_keep_write(x->file.fd, h.data, h.len, 0) == 0;
	x->end = x->first = h.len;
	buf_free(&h);
	return ok;
}

/* --- one name for two transfers --- */

/* A peer whose session connection identifiers repeat (host and second, say)
 * gives two transfers one name. Nothing tells them apart then, so neither is
 * resumed: better sent twice than spliced, or confirmed without its octets. A
 * file says so for as long as transfers are kept. */
static bool
exists(struct x_keep *k, const char *peer, const struct buf *key,
    const char *suffix)
{
	char name[X_KEEP_NAME];

	x_keep_name(peer, key, suffix, name);
	return faccessat(k->dir, name, F_OK, 0) == 0;
}

static bool
is_ambiguous(struct x_keep *k, const char *peer, const struct buf *key)
{
	return exists(k, peer, key, X_KEEP_TWO);
}

static void
make_ambiguous(struct x_keep *k, const char *peer, const struct buf *key)
{
	static const char *const suffixes[] = {"in", X_KEEP_DONE};
	char name[X_KEEP_NAME];
	int fd;

	x_keep_name(peer, key, X_KEEP_TWO, name);
	fd = openat(k->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	/* also one that is in use: what comes to it has no name any more */
	for (size_t i = 0; i < 2; i++) {
		x_keep_name(peer, key, suffixes[i], name);
		unlinkat(k->dir, name, 0);
	}
	log_event(LOG_LEVEL_WARN, "transfers of one name", "peer", peer,
	    "reason",
	    "the peer's session connection identifier repeats: they "
	    "cannot be resumed",
	    NULL);
}

struct x_kept *
x_kept_begin(struct x_keep *k, const char *peer, const struct rtse_activity *a)
{
	struct buf key = {0};
	char name[X_KEEP_NAME];
	struct x_keep_file f;
	struct x_kept *x = NULL;

	key_of(peer, a, &key);
	x_keep_name(peer, &key, "in", name);
	if (exists(k, peer, &key, "in") || exists(k, peer, &key, X_KEEP_DONE))
		make_ambiguous(k, peer, &key);
	if (!is_ambiguous(k, peer, &key) &&
	    x_keep_room(k, peer, 1, LOOK_EVERY) &&
	    x_keep_lock(k, peer, name, true, &f)) {
		x = kept_new(k, &f);
		if (!start_file(x, &key)) {
			x_keep_failed(&x->file, "writing it");
			x_kept_end(x, false);
			x = NULL;
		}
	}
	buf_free(&key);
	return x;
}

static uint32_t
checksum(const uint8_t *serial_and_n, const uint8_t *p, size_t n)
{
	return crc32c(crc32c(0, serial_and_n, 8), p, n);
}

static int
write_block(struct x_kept *x, const uint8_t *p, size_t n, uint32_t serial)
{
	struct buf h = {0};
	int r;

	buf_put_u32(&h, BLOCK_MARK);
	buf_put_u32(&h, serial);
	buf_put_u32(&h, (uint32_t)n);
	buf_put_u32(&h, checksum(h.data + 4, p, n));
	r = x_keep_write(x->file.fd, p, n, x->end + BLOCK_HEADER);
	if (r == 0)
		r = x_keep_write(x->file.fd, h.data, h.len, x->end);
	buf_free(&h);
	return r;
}

int
x_kept_checkpoint(struct x_kept *x, const uint8_t *p, size_t n, uint32_t serial)
{
	uint64_t more = n + BLOCK_HEADER;

	if (n > UINT32_MAX)
		return ERR_LIMIT;
	x->serial = serial;
	if (x->borrowed) /* these, too, are there */
		return 0;
	x->unseen += more;
	if (x->unseen >= LOOK_EVERY) {
		x->unseen = 0;
		if (!x_keep_room(x->store, x->file.peer, 0, more + LOOK_EVERY))
			return ERR_LIMIT;
	}
	if (write_block(x, p, n, serial) < 0) {
		x_keep_failed(&x->file, "writing it");
		return ERR_SYSTEM;
	}
	x->end += more;
	x->octets += n;
	return 0;
}

void
x_kept_end(struct x_kept *x, bool again)
{
	x_keep_unlock(x->store, &x->file, !again && !x->borrowed);
	free(x);
}

/* A file that says that this transfer is ours. Somebody else who has it open is
 * making the same. */
static void
say_done(
    struct x_keep *k, const char *peer, const struct buf *key, uint32_t serial)
{
	char name[X_KEEP_NAME], done[X_KEEP_NAME];
	struct x_kept x = {.store = k};

	x_keep_name(peer, key, IN_MAKING, name);
	x_keep_name(peer, key, X_KEEP_DONE, done);
	if (is_ambiguous(k, peer, key) ||
	    !x_keep_lock(k, peer, name, true, &x.file))
		return;
	if (start_file(&x, key) && write_block(&x, NULL, 0, serial) == 0 &&
	    renameat(k->dir, name, k->dir, done) == 0) {
		x_keep_unlock(k, &x.file, false);
		return;
	}
	x_keep_failed(&x.file, "writing it");
	x_keep_unlock(k, &x.file, true);
}

void
x_kept_done(struct x_kept *x, const struct rtse_activity *a)
{
	struct buf key = {0};

	key_of(x->file.peer, a, &key);
	say_done(x->store, x->file.peer, &key, x->serial);
	buf_free(&key);
	x_kept_end(x, false);
}

/* --- whose commit it is --- */

struct x_claim {
	struct x_keep *store;
	struct x_keep_file file;
};

static bool done_is_there(
    struct x_keep *k, const char *peer, const struct buf *key, uint32_t serial);

/* The holder lives, or there would be no lock; but its commit does not end. */
static enum x_claimed
wait_or_not(const char *peer, msec_t waited)
{
	if (waited < X_CLAIM_WAIT_MS)
		return X_CLAIM_WAIT;
	log_event(LOG_LEVEL_WARN, "transfer waits no longer", "peer", peer,
	    "waited-seconds", log_u64((unsigned long long)waited / 1000),
	    "reason",
	    "its commit for another association does not end; it may be there "
	    "twice",
	    NULL);
	return X_CLAIM_OURS;
}

/* Our lock fails also where the holder removes its file between our open and
 * our lock: it has said then that it is done, or given up. */
static bool
lock_claim(struct x_keep *k, const char *peer, const struct buf *key,
    struct x_keep_file *f)
{
	char name[X_KEEP_NAME];

	x_keep_name(peer, key, X_KEEP_BUSY, name);
	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		if (x_keep_lock(k, peer, name, true, f))
			return true;
		if (exists(k, peer, key, X_KEEP_BUSY))
			return false;
	}
	return false;
}

enum x_claimed
x_kept_claim(struct x_keep *k, const char *peer, const struct rtse_activity *a,
    uint32_t serial, msec_t waited, struct x_claim **out)
{
	struct buf key = {0};
	struct x_keep_file f = {.fd = -1};
	enum x_claimed result = X_CLAIM_OURS;
	bool sure, locked;

	*out = NULL;
	key_of(peer, a, &key);
	sure = !is_ambiguous(k, peer, &key); /* else nobody can know */
	locked = sure && lock_claim(k, peer, &key, &f);
	if (sure && !locked && exists(k, peer, &key, X_KEEP_BUSY))
		result = wait_or_not(peer, waited);
	if (result == X_CLAIM_OURS && done_is_there(k, peer, &key, serial)) {
		x_keep_unlock(k, &f, true);
		result = X_CLAIM_DONE;
	} else if (locked) {
		*out = xcalloc(1, sizeof(**out));
		**out = (struct x_claim){k, f};
	}
	buf_free(&key);
	return result;
}

void
x_kept_unclaim(struct x_claim **c)
{
	if (*c == NULL)
		return;
	x_keep_unlock((*c)->store, &(*c)->file, true);
	free(*c);
	*c = NULL;
}

static bool
is_claimed(struct x_keep *k, const char *peer, const struct buf *key)
{
	char name[X_KEEP_NAME];
	struct x_keep_file f;

	x_keep_name(peer, key, X_KEEP_BUSY, name);
	if (x_keep_lock(k, peer, name, false, &f)) {
		x_keep_unlock(k, &f, true); /* of a process that died */
		return false;
	}
	return exists(k, peer, key, X_KEEP_BUSY);
}

/* --- reading --- */

static bool
header_is(struct x_kept *x, const struct buf *key)
{
	struct buf h = {0};
	uint8_t *there;
	bool same;

	x_keep_header(MARK, key, &h);
	there = xmalloc(h.len);
	same = x_keep_read_at(x->file.fd, there, h.len, 0) == (int64_t)h.len &&
	    memcmp(there, h.data, h.len) == 0;
	x->first = h.len;
	free(there);
	buf_free(&h);
	return same;
}

static bool
read_header(const struct x_kept *x, uint64_t at, struct block *out)
{
	uint8_t h[BLOCK_HEADER];
	struct q_in in = {h, sizeof(h), false};

	if (x_keep_read_at(x->file.fd, h, sizeof(h), at) != sizeof(h) ||
	    q_in_u32(&in) != BLOCK_MARK)
		return false;
	out->serial = q_in_u32(&in);
	out->n = q_in_u32(&in);
	out->crc = q_in_u32(&in);
	return true;
}

static bool
block_is_good(const struct x_kept *x, uint64_t at, const struct block *b)
{
	uint8_t d[READ_PIECE];
	struct buf h = {0};
	uint32_t crc, left = b->n;
	bool whole = true;

	buf_put_u32(&h, b->serial);
	buf_put_u32(&h, b->n);
	crc = crc32c(0, h.data, h.len);
	buf_free(&h);
	for (at += BLOCK_HEADER; left > 0 && whole;) {
		size_t n = left < sizeof(d) ? left : sizeof(d);

		whole = x_keep_read_at(x->file.fd, d, n, at) == (int64_t)n;
		crc = crc32c(crc, d, n);
		at += n;
		left -= (uint32_t)n;
	}
	return whole && crc == b->crc;
}

/* Goes from block to block up to the one of that checkpoint; what is behind it
 * comes again, and is cut off. */
static bool
find_checkpoint(struct x_kept *x, uint32_t serial)
{
	struct block b;
	uint64_t at = x->first;
	off_t size = lseek(x->file.fd, 0, SEEK_END);

	x->octets = 0;
	while (read_header(x, at, &b)) {
		at += BLOCK_HEADER + b.n;
		if (size < 0 || at > (uint64_t)size)
			return false; /* torn */
		x->octets += b.n;
		if (b.serial != serial)
			continue;
		x->end = at;
		x->block = x->first;
		x->serial = serial;
		return x->borrowed || ftruncate(x->file.fd, (off_t)at) == 0;
	}
	return false;
}

/* The file of an association that has not ended for us, though it has for the
 * peer. What it has is whole, for it is being committed. */
static bool
borrow(struct x_keep *k, const char *peer, const struct buf *key,
    const char *name, struct x_keep_file *f)
{
	if (!is_claimed(k, peer, key))
		return false;
	f->fd = openat(k->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return f->fd >= 0;
}

struct x_kept *
x_kept_resume(struct x_keep *k, const char *peer, const struct rtse_activity *a,
    uint32_t serial, uint64_t *octets)
{
	struct buf key = {0};
	char name[X_KEEP_NAME];
	struct x_keep_file f;
	struct x_kept *x = NULL;
	const char *why = NULL;
	struct block b;
	bool ours = false;

	key_of(peer, a, &key);
	x_keep_name(peer, &key, "in", name);
	if (!is_ambiguous(k, peer, &key) &&
	    ((ours = x_keep_lock(k, peer, name, false, &f)) ||
		borrow(k, peer, &key, name, &f))) {
		x = kept_new(k, &f);
		x->borrowed = !ours;
		if (!header_is(x, &key))
			why = "its header is not what was written";
		else if (!find_checkpoint(x, serial))
			why = "it has no such checkpoint";
		else if (x->octets == 0)
			why = "there is nothing in it";
	}
	buf_free(&key);
	if (why != NULL) {
		x_keep_corrupt(&x->file, why);
		x_kept_end(x, false);
		return NULL;
	}
	if (x == NULL)
		return NULL;
	x->block_n = read_header(x, x->first, &b) ? b.n : 0;
	*octets = x->octets;
	return x;
}

static bool
done_is_there(
    struct x_keep *k, const char *peer, const struct buf *key, uint32_t serial)
{
	char name[X_KEEP_NAME];
	struct x_kept x = {.store = k};
	struct block b;
	bool done;

	if (is_ambiguous(k, peer, key))
		return false;
	x_keep_name(peer, key, X_KEEP_DONE, name);
	snprintf(x.file.peer, sizeof(x.file.peer), "%s", peer);
	snprintf(x.file.name, sizeof(x.file.name), "%s", name);
	x.file.fd = openat(k->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (x.file.fd < 0)
		return false;
	done = header_is(&x, key) && read_header(&x, x.first, &b) && b.n == 0 &&
	    block_is_good(&x, x.first, &b);
	x_keep_unlock(k, &x.file, !done);
	return done && serial <= b.serial;
}

bool
x_kept_was_done(struct x_keep *k, const char *peer,
    const struct rtse_activity *a, uint32_t serial)
{
	struct buf key = {0};
	bool done;

	key_of(peer, a, &key);
	done = done_is_there(k, peer, &key, serial);
	buf_free(&key);
	return done;
}

void
x_kept_done_late(struct x_keep *k, const char *peer,
    const struct rtse_activity *a, uint32_t serial)
{
	struct buf key = {0};
	char name[X_KEEP_NAME];
	struct x_keep_file f;

	key_of(peer, a, &key);
	say_done(k, peer, &key, serial);
	x_keep_name(peer, &key, "in", name);
	/* else it is being resumed already */
	if (x_keep_lock(k, peer, name, false, &f))
		x_keep_unlock(k, &f, true);
	buf_free(&key);
}

void
x_kept_forget(struct x_keep *k, const char *peer, const struct rtse_activity *a)
{
	struct buf key = {0};

	key_of(peer, a, &key);
	if (exists(k, peer, &key, "in") || exists(k, peer, &key, X_KEEP_DONE))
		make_ambiguous(k, peer, &key);
	buf_free(&key);
}

/* The block that has this octet; reading goes forward, mostly. */
static bool
seek(struct x_kept *x, uint64_t offset)
{
	struct block b;

	if (offset < x->block_offset) {
		x->block = x->first;
		x->block_offset = 0;
		if (!read_header(x, x->block, &b))
			return false;
		x->block_n = b.n;
	}
	while (offset >= x->block_offset + x->block_n) {
		x->block_offset += x->block_n;
		x->block += BLOCK_HEADER + x->block_n;
		if (x->block >= x->end || !read_header(x, x->block, &b))
			return false;
		x->block_n = b.n;
	}
	return true;
}

/* The one at hand, once. */
static bool
looks_good(struct x_kept *x)
{
	struct block b;

	if (x->good != x->block && read_header(x, x->block, &b) &&
	    b.n == x->block_n && block_is_good(x, x->block, &b))
		x->good = x->block;
	if (x->good != x->block)
		x_keep_corrupt(&x->file, "a block is not what was written");
	return x->good == x->block;
}

int64_t
x_kept_read(struct x_kept *x, uint64_t offset, uint8_t *p, size_t n)
{
	size_t done = 0;

	if (offset > x->octets)
		return ERR_LIMIT;
	if (n > x->octets - offset)
		n = (size_t)(x->octets - offset);
	while (done < n) {
		uint64_t in_block;
		size_t piece;

		if (!seek(x, offset + done) || !looks_good(x))
			return ERR_SYSTEM;
		in_block = offset + done - x->block_offset;
		piece = (size_t)(x->block_n - in_block);
		if (piece > n - done)
			piece = n - done;
		if (x_keep_read_at(x->file.fd, p + done, piece,
			x->block + BLOCK_HEADER + in_block) != (int64_t)piece)
			return ERR_SYSTEM;
		done += piece;
	}
	return (int64_t)done;
}
