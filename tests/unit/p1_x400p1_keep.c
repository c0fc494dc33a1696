/* Transfers that were cut off, in a directory of their own. */
#include "p1/x400p1_keep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/log_capture.h"

#define PIECE 5000
#define HEAD "the head of an APDU"

struct fixture {
	char directory[64];
	struct x_keep_params params;
	struct x_keep *k;
	struct rtse_activity activity;
	uint8_t octets[4 * PIECE];
};

static void
open_store(struct fixture *f)
{
	struct err e = ERR_INIT;

	f->k = x_keep_open(&f->params, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->k);
}

static void
begin(struct fixture *f)
{
	*f = (struct fixture){.directory = "/tmp/isthmus-keep-XXXXXX"};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->directory));
	f->params = (struct x_keep_params){.directory = f->directory,
	    .max = 100,
	    .max_per_peer = 10,
	    .octets = 1 << 30,
	    .octets_per_peer = 1 << 30,
	    .max_age = 86400};
	f->activity = (struct rtse_activity){.id_n = 1,
	    .id = {7},
	    .association = {.user_n = 4, .user = "them", .common_n = 2}};
	for (size_t i = 0; i < sizeof(f->octets); i++)
		f->octets[i] = (uint8_t)(i * 31 ^ i >> 8);
	open_store(f);
	log_set_level(LOG_LEVEL_ERROR + 1);
}

/* The names of all files; returns how many there are. */
static unsigned
files(const struct fixture *f, char *first, size_t size)
{
	DIR *d = opendir(f->directory);
	const struct dirent *de;
	unsigned n = 0;

	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.' && n++ == 0 && first != NULL)
			snprintf(
			    first, size, "%s/%s", f->directory, de->d_name);
	closedir(d);
	return n;
}

static void
finish(struct fixture *f)
{
	char path[512];

	x_keep_close(&f->k);
	while (files(f, path, sizeof(path)) > 0)
		CU_ASSERT_EQUAL_FATAL(unlink(path), 0);
	rmdir(f->directory);
	log_set_level(LOG_LEVEL_INFO);
}

/* The process died, and another one is there. */
static void
start_anew(struct fixture *f)
{
	x_keep_close(&f->k);
	open_store(f);
}

static void
flip(const struct fixture *f, off_t at)
{
	char path[512];
	uint8_t c;
	int fd;

	CU_ASSERT_EQUAL(files(f, path, sizeof(path)), 1);
	fd = open(path, O_RDWR);
	if (at < 0)
		at += lseek(fd, 0, SEEK_END);
	CU_ASSERT_EQUAL(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	CU_ASSERT_EQUAL(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void
set_age(const struct fixture *f, const char *path, time_t age)
{
	struct timespec t[2] = {
	    {.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};

	(void)f;
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, t, 0), 0);
}

/* --- the receiver's side --- */

/* Checkpoints 1 .. n, each behind PIECE octets. */
static struct x_kept *
keep(struct fixture *f, const char *peer, uint8_t id, unsigned n)
{
	struct x_kept *x;

	f->activity.id[0] = id;
	x = x_kept_begin(f->k, peer, &f->activity);
	for (unsigned i = 0; x != NULL && i < n; i++)
		CU_ASSERT_EQUAL(
		    x_kept_checkpoint(
			x, f->octets + (size_t)i * PIECE, PIECE, i + 1),
		    0);
	return x;
}

static struct x_kept *
go_on(struct fixture *f, const char *peer, uint8_t id, uint32_t serial,
    uint64_t *octets)
{
	f->activity.id[0] = id;
	return x_kept_resume(f->k, peer, &f->activity, serial, octets);
}

static bool
reads_back(struct fixture *f, struct x_kept *x, uint64_t n, size_t step)
{
	uint8_t *d = xmalloc(step);
	bool same = true;

	for (uint64_t at = 0; at < n; at += step) {
		size_t want = n - at < step ? (size_t)(n - at) : step;

		same = same && x_kept_read(x, at, d, step) == (int64_t)want &&
		    memcmp(d, f->octets + at, want) == 0;
	}
	same = same && x_kept_read(x, n, d, 1) == 0 &&
	    x_kept_read(x, n + 1, d, 1) < 0;
	free(d);
	return same;
}

static void
what_was_kept_is_read_back_up_to_the_checkpoint(void)
{
	static const size_t steps[] = {1, 4999, 5000, 5001, 100000};
	struct fixture f;
	struct x_kept *x;
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		begin(&f);
		x_kept_end(keep(&f, "alpha", 1, 3), true);
		start_anew(&f);
		x = go_on(&f, "alpha", 1, 2, &n);
		CU_ASSERT_PTR_NOT_NULL_FATAL(x);
		CU_ASSERT_EQUAL(n, 2 * PIECE);
		CU_ASSERT(reads_back(&f, x, n, steps[i]));
		CU_ASSERT(reads_back(&f, x, n, steps[i])); /* and again */
		x_kept_end(x, false);
		CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
		finish(&f);
	}
}

static void
a_resumed_transfer_is_kept_on(void)
{
	struct fixture f;
	struct x_kept *x;
	uint64_t n = 0;

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 3), true);
	x = go_on(&f, "alpha", 1, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	/* cut differently this time; nothing at all behind the third */
	CU_ASSERT_EQUAL(
	    x_kept_checkpoint(x, f.octets + PIECE, 2 * PIECE, 2), 0);
	CU_ASSERT_EQUAL(x_kept_checkpoint(x, f.octets, 0, 3), 0);
	CU_ASSERT(reads_back(&f, x, 3 * PIECE, 999)); /* at the same time */
	x_kept_end(x, true);
	x = go_on(&f, "alpha", 1, 3, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_EQUAL(n, 3 * PIECE);
	CU_ASSERT(reads_back(&f, x, n, 777));
	x_kept_end(x, true);
	finish(&f);
}

static void
only_the_same_transfer_of_the_same_peer_goes_on(void)
{
	struct fixture f;
	struct x_kept *x;
	uint64_t n;

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 2), true);
	CU_ASSERT_PTR_NULL(go_on(&f, "bravo", 1, 1, &n));
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 2, 1, &n));
	f.activity.association.user[0] = 'T';
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 1, &n));
	f.activity.association.user[0] = 't';
	x = go_on(&f, "alpha", 1, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	x_kept_end(x, true);
	/* a checkpoint that never was: it is void */
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 9, &n));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
	finish(&f);
}

static void
nobody_else_uses_it_at_the_same_time(void)
{
	struct fixture f;
	struct x_kept *x;
	uint64_t n;
	int status = -1;
	pid_t child;

	begin(&f);
	x = keep(&f, "alpha", 1, 2);
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 1, &n));
	child = fork();
	if (child == 0)
		_exit(go_on(&f, "alpha", 1, 1, &n) == NULL ? 0 : 1);
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	x_kept_end(x, true);
	x = go_on(&f, "alpha", 1, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	x_kept_end(x, true);
	finish(&f);
}

static enum x_claimed
claim(struct fixture *f, struct x_claim **out)
{
	return x_kept_claim(f->k, "alpha", &f->activity, 2, 0, out);
}

/* What another process does between our open() and our flock(): once for each
 * time that is left. */
static struct {
	void (*fn)(struct fixture *);
	struct fixture *f;
	struct x_claim *claim;
	unsigned times;
} other;

int
flock(int fd, int operation)
{
	if (other.times > 0) {
		other.times--;
		other.fn(other.f);
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static void
other_finishes(struct fixture *f)
{
	unsigned times = other.times;

	other.times = 0;
	x_kept_done_late(f->k, "alpha", &f->activity, 2);
	x_kept_unclaim(&other.claim);
	other.times = times;
}

static void
other_gives_up(struct fixture *f)
{
	(void)f;
	x_kept_unclaim(&other.claim);
}

/* The claim's file is gone by the time that we lock it, and what it was for is
 * done. */
static void
what_is_done_while_we_ask_is_not_committed_again(void)
{
	static void (*const ends[])(struct fixture *) = {
	    other_finishes, other_gives_up};

	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		struct x_claim *c;

		begin(&f);
		x_kept_end(keep(&f, "alpha", 1, 2), true);
		CU_ASSERT_EQUAL(claim(&f, &other.claim), X_CLAIM_OURS);
		CU_ASSERT_PTR_NOT_NULL(other.claim);
		other.fn = ends[i];
		other.f = &f;
		other.times = 1;
		CU_ASSERT_EQUAL(
		    claim(&f, &c), i == 0 ? X_CLAIM_DONE : X_CLAIM_OURS);
		/* nobody has it without a claim */
		CU_ASSERT_EQUAL(c != NULL, i == 1);
		x_kept_unclaim(&c);
		finish(&f);
	}
}

static void
other_is_quick(struct fixture *f)
{
	unsigned times = other.times;
	char path[512];

	other.times = 0;
	/* each time another file of that name: a lock on the old is void */
	if (times == 0)
		x_kept_done_late(f->k, "alpha", &f->activity, 2);
	snprintf(path, sizeof(path), "rm -f %s/*.busy", f->directory);
	CU_ASSERT_EQUAL(system(path), 0);
	other.times = times;
}

/* However often the file goes: who gets no lock asks whether it is done. */
static void
who_gets_no_claim_asks_whether_it_is_done(void)
{
	for (unsigned times = 1; times < 40; times += 13) {
		struct fixture f;
		struct x_claim *c;
		enum x_claimed r;

		begin(&f);
		x_kept_end(keep(&f, "alpha", 1, 2), true);
		other.fn = other_is_quick;
		other.f = &f;
		other.times = times;
		r = claim(&f, &c);
		CU_ASSERT_EQUAL(r == X_CLAIM_DONE, other.times == 0);
		other.times = 0;
		x_kept_unclaim(&c);
		finish(&f);
	}
}

/* Also who waited too long, when the file of the one who held it stays. */
static void
who_waits_no_longer_asks_whether_it_is_done(void)
{
	struct fixture f;
	struct x_claim *c, *d;

	begin(&f);
	CU_ASSERT_EQUAL(claim(&f, &c), X_CLAIM_OURS);
	x_kept_done_late(f.k, "alpha", &f.activity, 2);
	CU_ASSERT_EQUAL(
	    x_kept_claim(f.k, "alpha", &f.activity, 2, X_CLAIM_WAIT_MS, &d),
	    X_CLAIM_DONE);
	CU_ASSERT_PTR_NULL(d);
	x_kept_unclaim(&c);
	finish(&f);
}

/* Its holder lives, and does not get on. */
static void
a_commit_that_does_not_end_is_waited_for_no_longer_than_that(void)
{
	struct x_claim *c, *d;
	struct capture log;
	struct fixture f;

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 2), true);
	CU_ASSERT_EQUAL(claim(&f, &c), X_CLAIM_OURS);
	capture_begin(&log);
	CU_ASSERT_EQUAL(
	    x_kept_claim(f.k, "alpha", &f.activity, 2, X_CLAIM_WAIT_MS - 1, &d),
	    X_CLAIM_WAIT);
	CU_ASSERT_EQUAL(
	    x_kept_claim(f.k, "alpha", &f.activity, 2, X_CLAIM_WAIT_MS, &d),
	    X_CLAIM_OURS);
	CU_ASSERT_PTR_NULL(d);
	CU_ASSERT_PTR_NOT_NULL(strstr(capture_end(&log),
	    "transfer waits no longer peer=alpha "
	    "waited-seconds=120 "));
	/* what the first has it keeps */
	CU_ASSERT_EQUAL(claim(&f, &d), X_CLAIM_WAIT);
	x_kept_unclaim(&c);
	CU_ASSERT_EQUAL(claim(&f, &d), X_CLAIM_OURS);
	x_kept_unclaim(&d);
	finish(&f);
}

/* A second association brings the same, while the first one's is committed:
 * also where that one has not ended for us. */
static void
what_is_being_committed_is_committed_once(void)
{
	for (int open = 0; open < 2; open++) {
		struct fixture f;
		struct x_kept *first, *second;
		struct x_claim *c, *d;
		uint64_t n;

		begin(&f);
		first = keep(&f, "alpha", 1, 2);
		CU_ASSERT_EQUAL(claim(&f, &c), X_CLAIM_OURS);
		CU_ASSERT_PTR_NOT_NULL(c);
		if (!open)
			x_kept_end(first, true);
		second = go_on(&f, "alpha", 1, 1, &n);
		CU_ASSERT_PTR_NOT_NULL_FATAL(second);
		CU_ASSERT_EQUAL(n, PIECE);
		CU_ASSERT(reads_back(&f, second, n, 999));
		CU_ASSERT_EQUAL(
		    x_kept_checkpoint(second, f.octets + PIECE, PIECE, 2), 0);
		CU_ASSERT_EQUAL(claim(&f, &d), X_CLAIM_WAIT);
		CU_ASSERT_PTR_NULL(d);
		CU_ASSERT(!x_kept_was_done(f.k, "alpha", &f.activity, 1));
		if (open)
			x_kept_done(first, &f.activity);
		else
			x_kept_done_late(f.k, "alpha", &f.activity, 2);
		n = open ? n : n + PIECE;
		CU_ASSERT(reads_back(&f, second, n, 999));
		CU_ASSERT_EQUAL(claim(&f, &d), X_CLAIM_WAIT);
		x_kept_unclaim(&c);
		CU_ASSERT_EQUAL(claim(&f, &d), X_CLAIM_DONE);
		x_kept_done(second, &f.activity);
		CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 2));
		CU_ASSERT_EQUAL(files(&f, NULL, 0), 1);
		finish(&f);
	}
}

/* The commit failed, or who was at it died. */
static void
what_was_not_committed_is_another_ones(void)
{
	struct fixture f;
	struct x_claim *c;
	uint64_t n;
	int status = -1;
	pid_t child;

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 2), true);
	CU_ASSERT_EQUAL(claim(&f, &c), X_CLAIM_OURS);
	child = fork();
	if (child == 0) {
		struct x_claim *d;

		_exit(claim(&f, &d) == X_CLAIM_WAIT ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	x_kept_unclaim(&c);
	child = fork();
	if (child == 0) {
		/* its own, for a lock goes with the last one who has it */
		x_keep_close(&f.k);
		open_store(&f);
		_exit(claim(&f, &c) == X_CLAIM_OURS ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(claim(&f, &c), X_CLAIM_OURS);
	x_kept_unclaim(&c);
	x_kept_end(go_on(&f, "alpha", 1, 2, &n), false);
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
	finish(&f);
}

/* Each octet of the file: it is either not there, or what it was. */
static void
a_damaged_file_is_not_there(void)
{
	struct fixture f;
	struct x_kept *x;
	struct stat st;
	char path[512];
	uint64_t n;

	for (off_t at = 0, end = 1; at < end; at += at < 200 ? 1 : 997) {
		begin(&f);
		x_kept_end(keep(&f, "alpha", 1, 2), true);
		files(&f, path, sizeof(path));
		stat(path, &st);
		end = st.st_size;
		flip(&f, at);
		x = go_on(&f, "alpha", 1, 2, &n);
		if (x != NULL) {
			CU_ASSERT(!reads_back(&f, x, n, 999));
			x_kept_end(x, false);
		}
		CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
		finish(&f);
	}
}

static void
a_torn_file_is_good_up_to_the_tear(void)
{
	struct fixture f;
	struct x_kept *x;
	struct stat st;
	char path[512];
	uint64_t n;

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 3), true);
	files(&f, path, sizeof(path));
	stat(path, &st);
	CU_ASSERT_EQUAL(truncate(path, st.st_size - 1), 0);
	x = go_on(&f, "alpha", 1, 2, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT(reads_back(&f, x, 2 * PIECE, 1234));
	x_kept_end(x, true);
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 3, &n));
	finish(&f);
}

static void
a_peer_with_too_many_loses_its_own_oldest(void)
{
	struct fixture f;
	struct x_kept *x, *used;
	char path[512];
	uint64_t n;

	begin(&f);
	x_keep_close(&f.k);
	f.params.max_per_peer = 2;
	open_store(&f);
	x_kept_end(keep(&f, "alpha", 1, 1), true);
	files(&f, path, sizeof(path));
	set_age(&f, path, 100);
	x_kept_end(keep(&f, "alpha-2", 1, 1), true);
	x_kept_end(keep(&f, "alpha", 2, 1), true);
	used = keep(&f, "alpha", 3, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(used);
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 1, &n));
	x = go_on(&f, "alpha", 2, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	/* both are in use */
	CU_ASSERT_PTR_NULL(keep(&f, "alpha", 4, 0));
	x_kept_end(x, true);
	x_kept_end(used, true);
	x = go_on(&f, "alpha-2", 1, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	x_kept_end(x, true);
	finish(&f);
}

static void
limits_in_all_take_nothing_from_others(void)
{
	struct fixture f;
	struct x_kept *x;
	uint64_t n;

	begin(&f);
	x_keep_close(&f.k);
	f.params.max = 1;
	open_store(&f);
	x_kept_end(keep(&f, "alpha", 1, 1), true);
	CU_ASSERT_PTR_NULL(keep(&f, "bravo", 1, 0));
	x = go_on(&f, "alpha", 1, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	x_kept_end(x, true);
	finish(&f);
}

static void
octets_are_limited_too(void)
{
	static uint8_t large[1 << 20];
	struct fixture f;
	struct x_kept *x;
	int r = 0;
	unsigned i;

	begin(&f);
	x_keep_close(&f.k);
	f.params.octets_per_peer = 4 << 20;
	open_store(&f);
	x = keep(&f, "alpha", 1, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	for (i = 0; i < 10 && r == 0; i++)
		r = x_kept_checkpoint(x, large, sizeof(large), i + 1);
	CU_ASSERT_EQUAL(r, ERR_LIMIT);
	CU_ASSERT(i >= 2 && i <= 5);
	x_kept_end(x, false);
	x_keep_close(&f.k);
	f.params.low_water = UINT64_MAX / 2; /* the disk is full */
	open_store(&f);
	CU_ASSERT_PTR_NULL(keep(&f, "alpha", 1, 0));
	finish(&f);
}

static void
accept_one(struct fixture *f, uint8_t id)
{
	struct x_kept *x = keep(f, "alpha", id, 2);

	x_kept_done(x, &f->activity);
}

/* A sender that did not hear of it must not send it twice. */
static void
what_was_accepted_is_known_for_a_while(void)
{
	struct fixture f;
	uint64_t n;

	begin(&f);
	for (unsigned i = 1; i <= 14; i++) {
		char path[512];

		accept_one(&f, (uint8_t)i);
		CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 2));
		CU_ASSERT(!x_kept_was_done(f.k, "bravo", &f.activity, 2));
		CU_ASSERT_PTR_NULL(go_on(&f, "alpha", (uint8_t)i, 2, &n));
		if (i == 1) {
			files(&f, path, sizeof(path));
			set_age(&f, path, 100);
		}
	}
	start_anew(&f);
	CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 2));
	f.activity.id[0] = 1; /* the oldest; no limit but that counts them */
	CU_ASSERT(!x_kept_was_done(f.k, "alpha", &f.activity, 2));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 11);
	finish(&f);
}

/* A peer with poor identifiers gives a second one the name of the first. */
static void
a_new_transfer_is_not_an_old_one_of_its_name(void)
{
	struct fixture f;
	uint64_t n;

	begin(&f);
	accept_one(&f, 1);
	CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 1));
	CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 2));
	CU_ASSERT(!x_kept_was_done(f.k, "alpha", &f.activity, 3));
	x_kept_forget(f.k, "bravo", &f.activity);
	CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 2));
	x_kept_forget(f.k, "alpha", &f.activity);
	CU_ASSERT(!x_kept_was_done(f.k, "alpha", &f.activity, 1));
	/* nor is the second resumed: its sender may mean the first */
	CU_ASSERT_PTR_NULL(x_kept_begin(f.k, "alpha", &f.activity));
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 1, &n));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 1);
	finish(&f);
}

/* The second begins while the first is under way, or was cut off. */
static void
two_of_one_name_are_both_sent_anew(void)
{
	struct fixture f;
	struct x_kept *x;
	uint64_t n;

	for (int i = 0; i < 4; i++) {
		begin(&f);
		x = keep(&f, "alpha", 1, 2);
		if ((i & 1) != 0) {
			x_kept_end(x, true);
			x = NULL;
		}
		if ((i & 2) != 0)
			x_kept_forget(f.k, "alpha", &f.activity);
		CU_ASSERT_PTR_NULL(x_kept_begin(f.k, "alpha", &f.activity));
		if (x != NULL)
			x_kept_end(x, true);
		x_kept_done_late(f.k, "alpha", &f.activity, 3);
		start_anew(&f);
		CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 1, &n));
		CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 2, &n));
		CU_ASSERT(!x_kept_was_done(f.k, "alpha", &f.activity, 1));
		finish(&f);
	}
}

/* The association went while it was being committed. */
static void
what_became_ours_too_late_is_known(void)
{
	struct fixture f;
	uint64_t n;

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 3), true);
	x_kept_done_late(f.k, "alpha", &f.activity, 3);
	CU_ASSERT(x_kept_was_done(f.k, "alpha", &f.activity, 3));
	CU_ASSERT(!x_kept_was_done(f.k, "alpha", &f.activity, 4));
	CU_ASSERT_PTR_NULL(go_on(&f, "alpha", 1, 3, &n));
	x_kept_done_late(f.k, "alpha", &f.activity, 3); /* it is no more */
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 1);
	finish(&f);
}

static void
the_old_goes_and_what_is_in_use_stays(void)
{
	struct fixture f;
	struct x_kept *x;
	char path[512];

	begin(&f);
	x_kept_end(keep(&f, "alpha", 1, 1), true);
	x_keep_clean(f.k, time(NULL));
	CU_ASSERT_EQUAL(files(&f, path, sizeof(path)), 1);
	set_age(&f, path, 90000);
	x_keep_clean(f.k, time(NULL));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
	x = keep(&f, "alpha", 1, 1);
	files(&f, path, sizeof(path));
	set_age(&f, path, 90000);
	x_keep_clean(f.k, time(NULL));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 1);
	x_kept_end(x, true);
	finish(&f);
}

static unsigned
count(const struct fixture *f, const char *suffix)
{
	DIR *d = opendir(f->directory);
	const struct dirent *de;
	unsigned n = 0;

	while ((de = readdir(d)) != NULL) {
		const char *end = strrchr(de->d_name, '.');

		n += end != NULL && strcmp(end, suffix) == 0;
	}
	closedir(d);
	return n;
}

/* That a name is two transfers' is not forgotten for the room of others; but
 * no peer has more of these than it may have transfers. */
static void
marks_do_not_go_for_room(void)
{
	struct fixture f;
	struct x_claim *c;

	begin(&f);
	f.activity.id[0] = 99;
	CU_ASSERT_EQUAL(claim(&f, &c), X_CLAIM_OURS);
	x_kept_end(keep(&f, "alpha", 100, 1), true);
	CU_ASSERT_PTR_NULL(keep(&f, "alpha", 100, 1));
	CU_ASSERT_EQUAL(count(&f, ".two"), 1);
	for (uint8_t i = 1; i <= 30; i++)
		x_kept_end(keep(&f, "alpha", i, 1), true);
	CU_ASSERT_EQUAL(count(&f, ".two"), 1);
	CU_ASSERT_EQUAL(count(&f, ".busy"), 1);
	CU_ASSERT_EQUAL(count(&f, ".in"), f.params.max_per_peer);
	CU_ASSERT_PTR_NULL(keep(&f, "alpha", 100, 1));
	for (uint8_t i = 101; i <= 130; i++) {
		x_kept_end(keep(&f, "alpha", i, 1), true);
		CU_ASSERT_PTR_NULL(keep(&f, "alpha", i, 1));
	}
	CU_ASSERT_EQUAL(count(&f, ".busy"), 1);
	CU_ASSERT(count(&f, ".two") <= f.params.max_per_peer * 5 / 4 + 1);
	CU_ASSERT(count(&f, ".two") >= f.params.max_per_peer);
	x_kept_unclaim(&c);
	finish(&f);
}

/* --- the sender's side --- */

static const uint32_t both[] = {0, 1}, one[] = {0};
static const struct x_cut_key keys[] = {
    {"alpha", 42, both, 2},
    {"alpha", 42, one, 1},
    {"alpha", 43, both, 2},
    {"bravo", 42, both, 2},
};

static struct p1_resume
point(const struct fixture *f, uint32_t serial, uint64_t offset)
{
	return (struct p1_resume){
	    .rtse = {.activity = f->activity,
		.serial = serial,
		.offset = offset,
		.total = sizeof(HEAD) - 1 + 100000 + 4},
	    .head = {(const uint8_t *)HEAD, sizeof(HEAD) - 1},
	    .tail = {(const uint8_t *)"tail", 4},
	    .content_n = 100000,
	};
}

static void
cut_off(struct fixture *f, unsigned checkpoints)
{
	struct x_cut *s = x_cut_new(f->k, &keys[0]);
	struct p1_resume at;

	CU_ASSERT(!x_cut_get(s, &at));
	CU_ASSERT_EQUAL(files(f, NULL, 0), 0);
	for (unsigned i = 1; i <= checkpoints; i++) {
		at = point(f, i, i * 1000);
		x_cut_set(s, &at, P1_MTS_TRANSFER_X410);
	}
	x_cut_free(&s);
}

static bool
is_point(const struct x_cut *s, const struct p1_resume *want)
{
	struct p1_resume at;

	return x_cut_get(s, &at) && at.rtse.serial == want->rtse.serial &&
	    at.rtse.offset == want->rtse.offset &&
	    at.rtse.total == want->rtse.total &&
	    at.content_n == want->content_n && at.head.n == want->head.n &&
	    memcmp(at.head.p, want->head.p, at.head.n) == 0 && at.tail.n == 4 &&
	    memcmp(at.tail.p, "tail", 4) == 0 && at.rtse.activity.id_n == 1 &&
	    at.rtse.activity.id[0] == want->rtse.activity.id[0] &&
	    at.rtse.activity.association.user_n == 4 &&
	    memcmp(at.rtse.activity.association.user, "them", 4) == 0;
}

static void
the_same_work_goes_on_after_our_death(void)
{
	struct fixture f;
	struct p1_resume want;
	struct x_cut *s;

	begin(&f);
	cut_off(&f, 3);
	start_anew(&f);
	for (size_t i = 1; i < sizeof(keys) / sizeof(*keys); i++) {
		s = x_cut_new(f.k, &keys[i]);
		CU_ASSERT(!x_cut_get(s, &want));
		x_cut_free(&s);
	}
	s = x_cut_new(f.k, &keys[0]);
	want = point(&f, 3, 3000);
	CU_ASSERT(is_point(s, &want));
	CU_ASSERT_EQUAL(x_cut_protocol(s), P1_MTS_TRANSFER_X410);
	x_cut_forget(s);
	CU_ASSERT(!x_cut_get(s, &want));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
	x_cut_free(&s);
	finish(&f);
}

static void
a_new_activity_replaces_the_old_one(void)
{
	struct fixture f;
	struct p1_resume want;
	struct x_cut *s;

	begin(&f);
	cut_off(&f, 3);
	s = x_cut_new(f.k, &keys[0]);
	f.activity.id[0]++;
	want = point(&f, 1, 500);
	x_cut_set(s, &want, P1_MTS_TRANSFER);
	CU_ASSERT(is_point(s, &want));
	x_cut_free(&s);
	s = x_cut_new(f.k, &keys[0]);
	CU_ASSERT(is_point(s, &want));
	CU_ASSERT_EQUAL(x_cut_protocol(s), P1_MTS_TRANSFER);
	x_cut_free(&s);
	finish(&f);
}

static void
what_is_resumed_in_vain_is_sent_anew(void)
{
	struct fixture f;
	struct p1_resume at;
	struct x_cut *s;

	begin(&f);
	cut_off(&f, 1);
	for (int i = 0; i < 2; i++) { /* each in a process of its own */
		start_anew(&f);
		s = x_cut_new(f.k, &keys[0]);
		CU_ASSERT(x_cut_try(s));
		x_cut_free(&s);
	}
	s = x_cut_new(f.k, &keys[0]);
	CU_ASSERT(x_cut_get(s, &at));
	CU_ASSERT(!x_cut_try(s));
	CU_ASSERT(!x_cut_get(s, &at));
	/* a checkpoint was confirmed: hope again */
	at = point(&f, 2, 2000);
	x_cut_set(s, &at, P1_MTS_TRANSFER);
	CU_ASSERT(x_cut_try(s));
	at = point(&f, 3, 3000);
	x_cut_set(s, &at, P1_MTS_TRANSFER);
	CU_ASSERT(x_cut_try(s));
	CU_ASSERT(x_cut_try(s));
	CU_ASSERT(!x_cut_try(s));
	x_cut_free(&s);
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
	finish(&f);
}

static void
a_damaged_state_is_not_there(void)
{
	struct fixture f;
	struct p1_resume at;
	struct x_cut *s;
	struct stat st;
	char path[512];

	for (off_t i = 0, end = 1; i < end; i++) {
		begin(&f);
		cut_off(&f, 2);
		files(&f, path, sizeof(path));
		stat(path, &st);
		end = st.st_size;
		flip(&f, i);
		s = x_cut_new(f.k, &keys[0]);
		CU_ASSERT(!x_cut_get(s, &at));
		x_cut_free(&s);
		CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
		finish(&f);
	}
}

static void
without_room_the_state_is_in_memory(void)
{
	struct fixture f;
	struct p1_resume at;
	struct x_cut *s;

	begin(&f);
	x_keep_close(&f.k);
	f.params.max = 0;
	open_store(&f);
	s = x_cut_new(f.k, &keys[0]);
	at = point(&f, 1, 1000);
	x_cut_set(s, &at, P1_MTS_TRANSFER);
	at = point(&f, 2, 2000);
	x_cut_set(s, &at, P1_MTS_TRANSFER);
	CU_ASSERT(is_point(s, &at));
	CU_ASSERT_EQUAL(files(&f, NULL, 0), 0);
	x_cut_free(&s);
	finish(&f);
}

void
suite_p1_x400p1_keep(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_was_kept_is_read_back_up_to_the_checkpoint),
	    TEST(a_resumed_transfer_is_kept_on),
	    TEST(only_the_same_transfer_of_the_same_peer_goes_on),
	    TEST(nobody_else_uses_it_at_the_same_time),
	    TEST(what_is_being_committed_is_committed_once),
	    TEST(a_commit_that_does_not_end_is_waited_for_no_longer_than_that),
	    TEST(what_was_not_committed_is_another_ones),
	    TEST(what_is_done_while_we_ask_is_not_committed_again),
	    TEST(who_gets_no_claim_asks_whether_it_is_done),
	    TEST(who_waits_no_longer_asks_whether_it_is_done),
	    TEST(marks_do_not_go_for_room),
	    TEST(a_damaged_file_is_not_there),
	    TEST(a_torn_file_is_good_up_to_the_tear),
	    TEST(a_peer_with_too_many_loses_its_own_oldest),
	    TEST(limits_in_all_take_nothing_from_others),
	    TEST(octets_are_limited_too),
	    TEST(what_was_accepted_is_known_for_a_while),
	    TEST(a_new_transfer_is_not_an_old_one_of_its_name),
	    TEST(two_of_one_name_are_both_sent_anew),
	    TEST(what_became_ours_too_late_is_known),
	    TEST(the_old_goes_and_what_is_in_use_stays),
	    TEST(the_same_work_goes_on_after_our_death),
	    TEST(a_new_activity_replaces_the_old_one),
	    TEST(what_is_resumed_in_vain_is_sent_anew),
	    TEST(a_damaged_state_is_not_there),
	    TEST(without_room_the_state_is_in_memory),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_x400p1_keep", tests);
}
