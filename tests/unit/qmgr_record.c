#include "qmgr/record.h"

#include <stdio.h>
#include <string.h>

#include "lib/crc32c.h"
#include "tests/unit/unit.h"

#define NUMBER 0x29cce0d0d3u
#define SALT 0x5a17
#define SIZE 8192

/* A file as the writer makes it: batches of records, each batch synced. */
struct file {
	uint8_t p[SIZE];
	uint64_t n, durable;
};

static uint64_t
put(struct file *f, enum q_record_type type, const char *body,
    const char *content)
{
	uint64_t at = f->n;
	struct q_header h = {
	    .type = type,
	    .id = q_id_make(NUMBER, f->n),
	    .body_n = (uint32_t)strlen(body),
	    .content_n = strlen(content),
	    .salt = SALT,
	    .durable = (uint32_t)(f->durable / Q_PLACE),
	};

	h.body_crc = crc32c(0, body, h.body_n);
	h.content_crc = crc32c(0, content, h.content_n);
	q_header_pack(&h, f->p + f->n);
	memcpy(f->p + f->n + Q_HEADER, body, h.body_n);
	memcpy(f->p + f->n + Q_HEADER + h.body_n, content, h.content_n);
	f->n += q_record_size(&h);
	return at;
}

static void
sync_file(struct file *f)
{
	f->durable = f->n;
}

static void
begin(struct file *f)
{
	memset(f, 0, sizeof(*f));
	put(f, Q_RECORD_FILE, "0123456789abcdef", "");
	sync_file(f);
}

struct seen {
	struct q_scan_end end;
	char bodies[256];
	uint64_t corrupt_at;
	const char *why;
};

static void
on_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct seen *s = arg;
	size_t n = strlen(s->bodies);

	snprintf(s->bodies + n, sizeof(s->bodies) - n, "%.*s,", (int)h->body_n,
	    (const char *)p);
}

static void
on_corrupt(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	struct seen *s = arg;

	(void)h;
	(void)n;
	s->corrupt_at = offset;
	s->why = why;
}

static struct seen
scan(const struct file *f)
{
	static const struct q_scan_ops ops = {on_record, on_corrupt};
	struct seen s = {0};

	q_scan(f->p, sizeof(f->p), NUMBER, &ops, &s, &s.end);
	return s;
}

static void
a_header_comes_back_as_it_was_and_no_bit_may_change(void)
{
	struct q_header h = {Q_RECORD_MESSAGE, 1, 2, 3, 4, 5, 6, 7, 8, 9}, x;
	uint8_t p[Q_HEADER], again[Q_HEADER];

	q_header_pack(&h, p);
	CU_ASSERT_EQUAL(q_header_unpack(&x, p, NULL), 0);
	q_header_pack(&x, again);
	CU_ASSERT(memcmp(p, again, sizeof(p)) == 0);
	CU_ASSERT_EQUAL(x.content_n, h.content_n);
	CU_ASSERT_EQUAL(x.parent, h.parent);
	for (unsigned bit = 0; bit < Q_HEADER * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CU_ASSERT_NOT_EQUAL(q_header_unpack(&x, p, NULL), 0);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
a_scan_gives_the_records_in_order(void)
{
	struct file f;
	struct seen s;

	begin(&f);
	put(&f, Q_RECORD_MESSAGE, "one", "content");
	put(&f, Q_RECORD_MESSAGE, "two", "");
	s = scan(&f);
	CU_ASSERT_STRING_EQUAL(s.bodies, "one,two,");
	CU_ASSERT_EQUAL(s.end.records, 2);
	CU_ASSERT_EQUAL(s.end.end, f.n);
	CU_ASSERT_FALSE(s.end.finished);
	CU_ASSERT_EQUAL(s.end.info.instance, 0x3031323334353637);
	put(&f, Q_RECORD_END, "", "");
	CU_ASSERT_TRUE(scan(&f).end.finished);
}

/* The last batch was never synced: whatever of it is there, the file ends
 * before it or after a whole record, and nothing is called damage. */
static void
a_torn_tail_is_dropped_wherever_it_is_torn(void)
{
	struct file f, torn;
	uint64_t before;

	begin(&f);
	put(&f, Q_RECORD_MESSAGE, "one", "first");
	sync_file(&f);
	before = f.n;
	put(&f, Q_RECORD_MESSAGE, "two", "a content of some length, to tear");
	for (uint64_t n = before; n < f.n; n++) {
		struct seen s;

		torn = f;
		memset(torn.p + n, 0, sizeof(torn.p) - n);
		s = scan(&torn);
		CU_ASSERT_EQUAL(s.end.corrupt, 0);
		CU_ASSERT(strncmp(s.bodies, "one,", 4) == 0);
		if (n < before + Q_HEADER + 3)
			CU_ASSERT_STRING_EQUAL(s.bodies, "one,");
	}
}

static void
an_unsynced_batch_may_lose_any_of_its_records(void)
{
	struct file f;
	uint64_t first;
	struct seen s;

	begin(&f);
	put(&f, Q_RECORD_MESSAGE, "one", "");
	sync_file(&f);
	first = put(&f, Q_RECORD_MESSAGE, "two", "lost on the way");
	put(&f, Q_RECORD_MESSAGE, "three", "made it");
	memset(f.p + first, 0, 128);
	s = scan(&f);
	CU_ASSERT_STRING_EQUAL(s.bodies, "one,three,");
	CU_ASSERT_EQUAL(s.end.corrupt, 0);
	CU_ASSERT_EQUAL(s.end.torn, 1);
}

static void
any_flipped_bit_of_what_was_durable_is_found(void)
{
	struct file f;
	uint64_t first, end;

	begin(&f);
	first = put(&f, Q_RECORD_MESSAGE, "one", "some content");
	end = f.n;
	sync_file(&f);
	put(&f, Q_RECORD_MESSAGE, "two", "");
	for (uint64_t bit = first * 8; bit < end * 8; bit++) {
		struct seen s;

		f.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		s = scan(&f);
		f.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit / 8 >= first + Q_HEADER + 15) {
			/* padding */
			CU_ASSERT_STRING_EQUAL(s.bodies, "one,two,");
			continue;
		}
		CU_ASSERT_STRING_EQUAL(s.bodies, "two,");
		CU_ASSERT_EQUAL(s.end.corrupt, 1);
		CU_ASSERT_EQUAL(s.corrupt_at, first);
	}
}

static void
the_end_record_vouches_for_the_last_batch(void)
{
	struct file f;
	uint64_t last;
	struct seen s;

	begin(&f);
	last = put(&f, Q_RECORD_MESSAGE, "one", "content");
	sync_file(&f);
	f.p[last + Q_HEADER] ^= 1;
	CU_ASSERT_EQUAL(scan(&f).end.corrupt, 0);
	put(&f, Q_RECORD_END, "", "");
	s = scan(&f);
	CU_ASSERT_EQUAL(s.end.corrupt, 1);
	CU_ASSERT_STRING_EQUAL(s.why, "envelope checksum");
}

static void
older_records_in_a_reused_file_are_not_seen(void)
{
	struct file old, f;
	struct seen s;

	begin(&old);
	for (unsigned i = 0; i < 20; i++)
		put(&old, Q_RECORD_MESSAGE, "old", "old content");
	sync_file(&old);
	put(&old, Q_RECORD_END, "", "");
	/* the same places, but of another file */
	for (uint64_t at = 0; at < old.n; at += 128) {
		struct q_header h;

		if (q_header_unpack(&h, old.p + at, NULL) != 0)
			continue;
		h.id = q_id_make(NUMBER - 1, at);
		q_header_pack(&h, old.p + at);
	}
	f = old;
	f.n = f.durable = 0;
	put(&f, Q_RECORD_FILE, "0123456789abcdef", "");
	sync_file(&f);
	put(&f, Q_RECORD_MESSAGE, "new", "");
	s = scan(&f);
	CU_ASSERT_STRING_EQUAL(s.bodies, "new,");
	CU_ASSERT_EQUAL(s.end.corrupt, 0);
}

static void
a_content_cannot_pass_for_a_record(void)
{
	struct file f;
	uint64_t at;
	struct q_header fake = {.type = Q_RECORD_MESSAGE, .salt = SALT + 1};
	struct seen s;

	begin(&f);
	at = put(&f, Q_RECORD_MESSAGE, "one", "");
	/* its content, at the next place, is a whole record but for the salt;
	 * then its own header is damaged */
	fake.id = q_id_make(NUMBER, at + Q_PLACE);
	q_header_pack(&fake, f.p + at + Q_PLACE);
	f.p[at] ^= 1;
	f.n = at + 2 * Q_PLACE;
	sync_file(&f);
	put(&f, Q_RECORD_MESSAGE, "two", "");
	s = scan(&f);
	CU_ASSERT_STRING_EQUAL(s.bodies, "two,");
	CU_ASSERT_EQUAL(s.end.corrupt, 1);
}

static void
a_damaged_file_header_costs_no_record(void)
{
	struct file f;
	struct seen s;

	begin(&f);
	put(&f, Q_RECORD_MESSAGE, "one", "");
	f.p[20] ^= 1;
	s = scan(&f);
	CU_ASSERT_STRING_EQUAL(s.bodies, "one,");
	CU_ASSERT_EQUAL(s.end.corrupt, 1);
}

void
suite_qmgr_record(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_header_comes_back_as_it_was_and_no_bit_may_change),
	    TEST(a_scan_gives_the_records_in_order),
	    TEST(a_torn_tail_is_dropped_wherever_it_is_torn),
	    TEST(an_unsynced_batch_may_lose_any_of_its_records),
	    TEST(any_flipped_bit_of_what_was_durable_is_found),
	    TEST(the_end_record_vouches_for_the_last_batch),
	    TEST(older_records_in_a_reused_file_are_not_seen),
	    TEST(a_content_cannot_pass_for_a_record),
	    TEST(a_damaged_file_header_costs_no_record),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_record", tests);
}
