/* The downgrade, with GMime as the independent reader of what it made. */
#include "smtp/downgrade.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct smtp_downgrade_options seven = {.line_max = 998};
static const struct smtp_downgrade_options binary = {
    .binary = true, .eight = true, .utf8_headers = true};

/* --- making and reading --- */

static int
make(const struct smtp_downgrade_options *o, const void *p, size_t n,
    struct buf *out, struct err *e)
{
	struct smtp_downgrade *d = smtp_downgrade_new(o, p, n);
	int rc;

	buf_clear(out);
	do {
		rc = smtp_downgrade_next(d, out, e);
	} while (rc > 0);
	smtp_downgrade_free(&d);
	CU_ASSERT_EQUAL(smtp_downgrade_size(o, p, n, NULL),
	    rc < 0 ? rc : (int64_t)out->len);
	return rc;
}

static const char *
made(const struct smtp_downgrade_options *o, const char *text, struct buf *out)
{
	struct err e = ERR_INIT;

	if (make(o, text, strlen(text), out, &e) < 0)
		return smtp_downgrade_status(&e);
	return buf_cstr(out);
}

/* Text as both ends see it: CR LF for every line end, none at the end. */
static void
canonical(const uint8_t *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r' || p[i] == '\n')
			buf_append(out, "\r\n", 2);
		else
			buf_putc(out, p[i]);
		if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
			i++;
	}
	while (out->len > 0 && out->data[out->len - 1] <= '\r')
		out->len--;
}

static void describe(GMimeObject *o, bool exact, struct buf *out);

static void
describe_leaf(GMimePart *part, bool exact, struct buf *out)
{
	GMimeStream *s = g_mime_stream_mem_new();
	GMimeDataWrapper *w = g_mime_part_get_content(part);
	GByteArray *b;

	if (w != NULL)
		g_mime_data_wrapper_write_to_stream(w, s);
	b = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));
	if (exact)
		buf_append(out, b->data, b->len);
	else
		canonical(b->data, b->len, out);
	g_object_unref(s);
}

/* The tree of types, and every leaf decoded. */
static void
describe(GMimeObject *o, bool exact, struct buf *out)
{
	GMimeContentType *t = g_mime_object_get_content_type(o);

	buf_printf(out, "(%s/%s ", g_mime_content_type_get_media_type(t),
	    g_mime_content_type_get_media_subtype(t));
	if (GMIME_IS_MULTIPART(o)) {
		int n = g_mime_multipart_get_count(GMIME_MULTIPART(o));

		for (int i = 0; i < n; i++)
			describe(
			    g_mime_multipart_get_part(GMIME_MULTIPART(o), i),
			    exact, out);
	} else if (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *m =
		    g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));

		buf_printf(out, "[%s]",
		    m != NULL ? g_mime_message_get_subject(m) : "-");
		if (m != NULL)
			describe(g_mime_message_get_mime_part(m), exact, out);
	} else if (GMIME_IS_PART(o)) {
		describe_leaf(GMIME_PART(o), exact, out);
	}
	buf_putc(out, ')');
}

static void
read_back(const void *p, size_t n, bool exact, struct buf *out)
{
	GMimeStream *s = g_mime_stream_mem_new_with_buffer(p, n);
	GMimeParser *parser = g_mime_parser_new_with_stream(s);
	GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);

	buf_clear(out);
	describe(g_mime_message_get_mime_part(m), exact, out);
	g_object_unref(m);
	g_object_unref(parser);
	g_object_unref(s);
}

static bool
is_wire_text(const struct buf *b, size_t most)
{
	size_t line = 0;

	for (size_t i = 0; i < b->len; i++) {
		uint8_t c = b->data[i];

		if (c == '\r' && i + 1 < b->len && b->data[i + 1] == '\n') {
			line = 0;
			i++;
		} else if (c == '\r' || c == '\n' || c == 0 || c > 127 ||
		    ++line > most) {
			return false;
		}
	}
	return true;
}

/* --- words --- */

#define V "MIME-Version: 1.0\r\n"

static void
eight_bit_text_becomes_quoted_printable(void)
{
	struct buf b = {0};

	CU_ASSERT_STRING_EQUAL(
	    made(&seven,
		V "Content-Type: text/plain; charset=utf-8\r\n"
		  "Content-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\n"
		  "caf\xc3\xa9 = good \r\n-- \r\nend\r\n",
		&b),
	    V "Content-Type: text/plain; charset=utf-8\r\nSubject: x\r\n"
	      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	      "caf=C3=A9 =3D good=20\r\n=2D-=20\r\nend\r\n");
	buf_free(&b);
}

static void
mostly_eight_bit_text_and_data_become_base64(void)
{
	struct buf b = {0};

	CU_ASSERT_PTR_NOT_NULL(
	    strstr(made(&seven,
		       V "Content-Type: image/png\r\n"
			 "Content-Transfer-Encoding: 8bit\r\n\r\n\xff\xfe\r\n",
		       &b),
		"Content-Transfer-Encoding: base64\r\n\r\n//4NCg==\r\n"));
	buf_free(&b);
}

/* RFC 1428 */
static void
text_without_mime_gets_its_header(void)
{
	struct buf b = {0};

	CU_ASSERT_STRING_EQUAL(made(&seven, "A: b\r\n\r\nna\xc3\xafve\r\n", &b),
	    "A: b\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(made(&seven, "A: b\n\nna\xefve\n", &b),
	    "charset=unknown-8bit\r\n"));
	buf_free(&b);
}

static void
what_is_seven_bit_stays_as_it_is(void)
{
	static const char *const rows[] = {
	    "A: b\r\n\r\ntext\r\n",
	    "A: b\r\n",
	    "\r\nno header\r\n",
	    V "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n"
	      "\r\none\r\n--b\r\nX: y\r\n\r\n\r\n--b--\r\nafter\r\n",
	    V "Content-Type: multipart/digest; boundary=\"b b\"\r\n\r\n"
	      "--b b\r\n\r\nSubject: in\r\n\r\ntext\r\n--b b--\r\n",
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_STRING_EQUAL(made(&seven, rows[i], &b), rows[i]);
	buf_free(&b);
}

static void
labels_of_composite_parts_follow(void)
{
	struct buf b = {0};
	const char *s = made(&seven,
	    V "Content-Type: multipart/mixed; boundary=b\r\n"
	      "Content-Transfer-Encoding: 8bit\r\n\r\npr\xe9\r\n--b\r\n"
	      "Content-Type: message/rfc822\r\n"
	      "Content-Transfer-Encoding: binary\r\n\r\nSubject: in\r\n"
	      "Content-Transfer-Encoding: 8bit\r\n\r\ntext\r\n--b--\r\n",
	    &b);

	CU_ASSERT_PTR_NULL(strstr(s, "8bit"));
	CU_ASSERT_PTR_NULL(strstr(s, "binary"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(s, "Content-Transfer-Encoding: 7bit\r\n\r\npr?\r\n--b"));
	buf_free(&b);
}

/* --- what may not be touched --- */

#define SIGNED(text)                                                         \
	V "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"         \
	  "Content-Type: multipart/signed; boundary=s; protocol=\"a/b\"\r\n" \
	  "\r\n--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" text "\r\n"   \
	  "--s\r\nContent-Type: a/b\r\n\r\nsig\r\n--s--\r\n--o\r\n\r\n"      \
	  "\xc3\xa9\r\n--o--\r\n"

static void
signed_parts_are_copied_or_refused(void)
{
	struct smtp_downgrade_options o = seven;
	struct buf b = {0};

	CU_ASSERT_PTR_NOT_NULL(strstr(made(&seven, SIGNED("plain  "), &b),
	    "\r\n--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain  \r\n"
	    "--s\r\nContent-Type: a/b\r\n\r\nsig\r\n--s--\r\n--o\r\n"));
	CU_ASSERT_STRING_EQUAL(made(&seven, SIGNED("\xc3\xa9"), &b), "5.6.3");
	o.rewrite_signed = true;
	CU_ASSERT_PTR_NOT_NULL(strstr(made(&o, SIGNED("\xc3\xa9"), &b),
	    "quoted-printable\r\n\r\n=C3=A9\r\n--s\r\n"));
	buf_free(&b);
}

static void
what_cannot_be_carried_is_refused_with_its_status(void)
{
	static const struct {
		const char *text, *status;
	} rows[] = {
	    {"Subject: \xc3\xa9\r\n\r\nx\r\n", "5.6.9"},
	    {V "Content-Type: message/rfc822\r\n\r\nSubject: \xc3\xa9\r\n\r\n",
		"5.6.9"},
	    {V "Content-Type: message/partial\r\n\r\n\xc3\xa9\r\n", "5.6.3"},
	    {V "Content-Type: multipart/mixed\r\n\r\n\xc3\xa9\r\n", "5.6.3"},
	    {V "Content-Transfer-Encoding: x-uu\r\n\r\n\xc3\xa9\r\n", "5.6.3"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_STRING_EQUAL(
		    made(&seven, rows[i].text, &b), rows[i].status);
	buf_free(&b);
}

static void
an_error_names_the_octet(void)
{
	static const char text[] = "A: b\r\nSubject: \xc3\xa9\r\n\r\n";
	struct buf b = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(
	    make(&seven, text, sizeof(text) - 1, &b, &e), ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(e.offset, 15);
	CU_ASSERT_STRING_EQUAL(e.layer, "mime");
	buf_free(&b);
}

static void
nesting_has_its_limit(void)
{
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;

	for (int i = 0; i <= SMTP_DOWNGRADE_DEPTH; i++)
		buf_printf(&in,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i);
	CU_ASSERT_EQUAL(make(&seven, in.data, in.len, &out, &e), ERR_LIMIT);
	buf_clear(&in);
	for (int i = 0; i <= SMTP_DOWNGRADE_DEPTH; i++)
		buf_puts(&in, "Content-Type: message/rfc822\r\n\r\n");
	CU_ASSERT_EQUAL(make(&seven, in.data, in.len, &out, &e), ERR_LIMIT);
	buf_free(&in);
	buf_free(&out);
}

/* --- long lines --- */

static void
long_lines_are_folded_or_encoded(void)
{
	struct smtp_downgrade_options o = {.line_max = 20, .eight = true};
	struct buf b = {0};

	CU_ASSERT_STRING_EQUAL(
	    made(&o, "Subject: one two three four five\r\n\r\nshort\r\n", &b),
	    "Subject: one two\r\n three four five\r\n\r\nshort\r\n");
	CU_ASSERT_STRING_EQUAL(
	    made(&o, "Subject:aaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n", &b), "5.6.3");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(made(&seven, "A: b\r\n\r\nx\r\n", &b), "A: b\r\n\r\nx\r\n"));
	buf_free(&b);
}

static void
a_soft_break_makes_no_boundary(void)
{
	struct buf in = {0}, out = {0};
	struct buf x = {0}, y = {0};
	struct err e = ERR_INIT;

	buf_puts(&in,
	    V "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	      "--b\r\n\r\n");
	for (int i = 0; i < 75; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "--b\xc3\xa9\r\n");
	for (int i = 0; i < 72; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\xc3\xa9--b\r\n--b--\r\n");
	CU_ASSERT_EQUAL(make(&seven, in.data, in.len, &out, &e), 0);
	read_back(in.data, in.len, false, &x);
	read_back(out.data, out.len, false, &y);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&x), buf_cstr(&y));
	CU_ASSERT_TRUE(is_wire_text(&out, 76));
	buf_free(&in);
	buf_free(&out);
	buf_free(&x);
	buf_free(&y);
}

static void
nearly_encoded_parts_are_made_whole(void)
{
	struct buf b = {0};

	CU_ASSERT_PTR_NOT_NULL(
	    strstr(made(&seven,
		       V "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			 "a=C3=A9 \xe9 50= % =\r\nb=\r\n",
		       &b),
		"\r\n\r\na=C3=A9 =E9 50=3D % =\r\nb=\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    made(&seven,
		V
		"Content-Transfer-Encoding: base64\r\n\r\n\xe9YWJj\r\nZA==\r\n",
		&b),
	    "\r\n\r\nYWJj\r\nZA==\r\n"));
	buf_free(&b);
}

/* --- binary --- */

static void
binary_parts_come_through_octet_by_octet(void)
{
	static const char head[] =
	    V "Content-Type: multipart/mixed; boundary=b\r\n"
	      "Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
	      "Content-Type: application/x\r\n"
	      "Content-Transfer-Encoding: binary\r\n\r\n";
	static const char tail[] = "\r\n--b--\r\n";
	struct buf in = {0}, out = {0};
	struct buf x = {0}, y = {0};
	struct err e = ERR_INIT;

	buf_append(&in, head, sizeof(head) - 1);
	for (int i = 0; i < 1000; i++)
		buf_putc(&in, (uint8_t)(i * 7));
	buf_puts(&in, "\r\r\n\n\n--b\n");
	buf_append(&in, tail, sizeof(tail) - 1);
	CU_ASSERT_EQUAL(make(&binary, in.data, in.len, &out, &e), 0);
	CU_ASSERT_TRUE(is_wire_text(&out, 998));
	read_back(out.data, out.len, true, &y);
	buf_puts(&x, "(multipart/mixed (application/x ");
	buf_append(&x, in.data + sizeof(head) - 1,
	    in.len - (sizeof(head) - 1) - (sizeof(tail) - 1));
	buf_puts(&x, "))");
	CU_ASSERT_EQUAL(x.len, y.len);
	CU_ASSERT_EQUAL(
	    memcmp(x.data, y.data, x.len < y.len ? x.len : y.len), 0);
	buf_free(&in);
	buf_free(&out);
	buf_free(&x);
	buf_free(&y);
}

/* --- any message --- */

static unsigned
rnd(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}

static void
put_text(struct buf *b, unsigned *seed)
{
	static const char *const words[] = {"\xc3\xa9", "=", " ", "-", "--b0",
	    "--b1x", ".", "\t", "=\r\n", "word ", "\r\n", "\r\n\r\n", "From ",
	    "\xe2\x82\xac", "=3D"};
	unsigned n = rnd(seed, 200);

	for (unsigned i = 0; i < n; i++)
		buf_puts(b, words[rnd(seed, 15)]);
	buf_puts(b, "x");
}

static void
put_entity(struct buf *b, unsigned *seed, unsigned depth, unsigned *name)
{
	static const char *const leaves[] = {
	    ("Content-Type: text/plain; charset=utf-8\r\n"
	     "Content-Transfer-Encoding: 8bit\r\n\r\n"),
	    "\r\n",
	    "Content-Type: application/x\r\n\r\n",
	    "content-type: TEXT/html;\r\n\tcharset=\"utf-8\"\r\n\r\n",
	};
	unsigned kind = depth == 0 ? 0 : rnd(seed, 4);
	unsigned mine, n;

	if (kind == 1) {
		buf_puts(b,
		    "Content-Type: message/rfc822\r\n\r\n"
		    "Subject: inner\r\n");
		put_entity(b, seed, depth - 1, name);
	} else if (kind >= 2) {
		mine = (*name)++;
		n = 1 + rnd(seed, 3);
		buf_printf(b,
		    "Content-Type: multipart/mixed (x); a=b;\r\n"
		    " boundary=\"b%u/\"\r\n\r\npreamble\r\n",
		    mine);
		for (unsigned i = 0; i < n; i++) {
			buf_printf(b, "--b%u/\r\n", mine);
			put_entity(b, seed, depth - 1, name);
			buf_puts(b, "\r\n");
		}
		buf_printf(b, "--b%u/--\r\n", mine);
	} else {
		buf_puts(b, leaves[rnd(seed, 4)]);
		put_text(b, seed);
	}
}

static void
any_message_reads_the_same_afterwards(void)
{
	struct buf in = {0}, out = {0}, x = {0}, y = {0};
	struct err e = ERR_INIT;
	unsigned bad = 0, changed = 0;

	for (unsigned i = 0; i < 400; i++) {
		unsigned seed = i, name = 0;

		buf_clear(&in);
		buf_puts(&in, V "Subject: outer\r\n");
		put_entity(&in, &seed, 4, &name);
		buf_puts(&in, "\r\n");
		bad += make(&seven, in.data, in.len, &out, &e) != 0;
		bad += !is_wire_text(&out, 998);
		changed += out.len != in.len;
		read_back(in.data, in.len, false, &x);
		read_back(out.data, out.len, false, &y);
		bad += x.len != y.len || memcmp(x.data, y.data, x.len) != 0;
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_TRUE(changed > 200);
	buf_free(&in);
	buf_free(&out);
	buf_free(&x);
	buf_free(&y);
}

void
suite_smtp_downgrade(void)
{
	static CU_TestInfo tests[] = {
	    TEST(eight_bit_text_becomes_quoted_printable),
	    TEST(mostly_eight_bit_text_and_data_become_base64),
	    TEST(text_without_mime_gets_its_header),
	    TEST(what_is_seven_bit_stays_as_it_is),
	    TEST(labels_of_composite_parts_follow),
	    TEST(signed_parts_are_copied_or_refused),
	    TEST(what_cannot_be_carried_is_refused_with_its_status),
	    TEST(an_error_names_the_octet),
	    TEST(nesting_has_its_limit),
	    TEST(long_lines_are_folded_or_encoded),
	    TEST(a_soft_break_makes_no_boundary),
	    TEST(nearly_encoded_parts_are_made_whole),
	    TEST(binary_parts_come_through_octet_by_octet),
	    TEST(any_message_reads_the_same_afterwards),
	    CU_TEST_INFO_NULL,
	};

	g_mime_init();
	unit_suite("smtp_downgrade", tests);
}
