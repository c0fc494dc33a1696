#include "mixer/mixer.h"

#include "p1/ext.h"
#include "tests/unit/mixer_fixture.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

/* RFC 822 text with LF for CRLF, to P22 octets. */
static int
to_p22(struct fixture *f, const char *text, size_t n, struct buf *out)
{
	struct buf in = {0};
	int r;

	mixer_crlf(&in, (const uint8_t *)text, n);
	r = mixer_content(f->a, &f->c, MHS_CONTENT_RFC822, MHS_CONTENT_P22,
	    in.data, in.len, FIXTURE_NOW, out, &f->losses, &f->e);
	buf_free(&in);
	return r;
}

static char *
to_822(struct fixture *f, const struct buf *p22)
{
	struct buf out = {0};
	char *s = NULL;

	if (mixer_content(f->a, &f->c, MHS_CONTENT_P22, MHS_CONTENT_RFC822,
		p22->data, p22->len, FIXTURE_NOW, &out, &f->losses, &f->e) == 0)
		s = arena_strndup(f->a, (const char *)out.data, out.len);
	else
		printf("\n%s\n", f->e.text);
	buf_free(&out);
	return s;
}

/* There and back; the text in the arena. */
static char *
round_trip(struct fixture *f, const char *text)
{
	struct buf p22 = {0};
	char *s = NULL;

	CU_ASSERT_EQUAL(to_p22(f, text, strlen(text), &p22), 0);
	if (p22.len > 0)
		s = to_822(f, &p22);
	buf_free(&p22);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct ipm *
ipm_of(struct fixture *f, const char *text)
{
	struct mixer_conv cv = fixture_conv(f);
	struct ipm *m =
	    mixer_ipm_from_822(&cv, (const uint8_t *)text, strlen(text));

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	return m;
}

static void
expect(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		printf("\nmissing: %s\nin:\n%s\n", line, text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
}

static const char *const fields[] = {
    "From: alice@bravo.example",
    "Sender: \"Bob, the builder\" <bob@bravo.example>",
    "To: Carol <carol@bravo.example>, dave_d@other.example",
    "Cc: erin@bravo.example",
    "Bcc: frank@bravo.example",
    "Reply-To: \"a.b\" <list@bravo.example>",
    "Subject: Fruit of the day",
    "Message-ID: <1234.5678@bravo.example>",
    "In-Reply-To: <r@bravo.example>",
    "References: <a@bravo.example> <b@bravo.example>",
    "Supersedes: <old@bravo.example>",
    "Expires: Thu, 31 Dec 2026 23:59:59 +0000",
    "Reply-By: Fri, 01 Jan 2027 10:00:00 +0100",
    "Importance: high",
    "Sensitivity: Company-Confidential",
    "Autoforwarded: TRUE",
    "Autosubmitted: auto-generated",
    "Incomplete-Copy:",
    "Content-Language: de, en",
    "Fruit-Of-The-Day: Kiwi Fruit",
    "Keywords: one, two",
    "Resent-From: x@y.example",
};

static void
every_mapped_field_comes_back(void)
{
	struct buf b = {0};
	struct fixture f;
	char *back;

	fixture_open(&f);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		buf_printf(&b, "%s\n", fields[i]);
	buf_puts(&b, "\nHello.\n");
	back = round_trip(&f, buf_cstr(&b));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		expect(back, fields[i]);
	CU_ASSERT_EQUAL(f.losses.n, 0);
	buf_free(&b);
	fixture_close(&f);
}

static void
the_heading_is_what_rfc_2156_says(void)
{
	struct fixture f;
	struct ipm *m;

	fixture_open(&f);
	m = ipm_of(&f,
	    "From: a@bravo.example\r\n"
	    "In-Reply-To: <x@y> <z@y>\r\n"
	    "Message-ID: <id_1@bravo.example>\r\n"
	    "To: friends: b@bravo.example, c@bravo.example;\r\n"
	    "Bcc:\r\n\r\n");
	CU_ASSERT_STRING_EQUAL(m->this_ipm.relative, "id(u)1(a)bravo.example");
	CU_ASSERT_PTR_NULL(m->this_ipm.user);
	CU_ASSERT_PTR_NULL(m->replied_to);
	CU_ASSERT_EQUAL(m->related.n, 2);
	CU_ASSERT_EQUAL(m->primary.n, 3);
	CU_ASSERT_PTR_NULL(m->primary.v[0].formal_name);
	CU_ASSERT(m->blind_copy.present && m->blind_copy.n == 0);
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(f.a, m->originator->formal_name),
	    "/S=a/O=Bravo/ADMD=BRAVO/C=XX/");
	fixture_close(&f);
}

static void
message_ids_are_reversible(void)
{
	static const char *const v[] = {
	    "<1803.665941698@UK.AC.UCL.CS>",
	    "<\"147*/S=Dietrich/O=Siemens/ADMD=DBP/C=DE/\"@MHS>",
	    "<PC1000-910530172027-57D8*@MHS>",
	    "<a_b%c!d@x.example>",
	    "<\"29247 Sat Nov 21\"@a.peer.test>",
	};
	struct fixture f;
	struct mixer_conv cv;
	bool exact;

	fixture_open(&f);
	cv = fixture_conv(&f);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct ipm_id *id = mixer_msgid_to_ipm(&cv, v[i], &exact);
		const char *back = mixer_ipm_to_msgid(&cv, id, false);

		/* what needs no quotes comes back without */
		if (i == 1)
			CU_ASSERT_STRING_EQUAL(id->relative, "147");
		if (i == 1)
			CU_ASSERT_STRING_EQUAL(back,
			    "<147*/S=Dietrich/O=Siemens/ADMD=DBP/C=DE/@MHS>");
		if (i != 1)
			CU_ASSERT_STRING_EQUAL(back, v[i]);
		CU_ASSERT(exact);
	}
	fixture_close(&f);
}

static void
messages_without_an_id_get_ids_of_their_own(void)
{
	struct fixture f;
	struct ipm *x, *y;

	fixture_open(&f);
	x = ipm_of(&f, "Subject: one\r\n\r\n");
	y = ipm_of(&f, "Subject: two\r\n\r\n");
	CU_ASSERT_STRING_NOT_EQUAL(x->this_ipm.relative, y->this_ipm.relative);
	fixture_close(&f);
}

static void
mts_identifiers_fit_and_differ(void)
{
	struct fixture f;
	struct mixer_conv cv;
	struct mhs_mts_id x, y;

	fixture_open(&f);
	cv = fixture_conv(&f);
	x = mixer_mts_id(&cv, "<1@alpha.example>");
	CU_ASSERT_STRING_EQUAL(x.local, "<1@alpha.example>");
	x = mixer_mts_id(&cv, "<0123456789012345678901234567890123@x.example>");
	y = mixer_mts_id(&cv, "<0123456789012345678901234567890124@x.example>");
	CU_ASSERT_EQUAL(strlen(x.local), 32);
	CU_ASSERT_STRING_NOT_EQUAL(x.local, y.local);
	fixture_close(&f);
}

static void
long_ids_and_foreign_subjects_are_kept_whole(void)
{
	static const char text[] =
	    "From: a@bravo.example\n"
	    "Message-ID: <0123456789012345678901234567890123456789012345678"
	    "9012345678901234567890@bravo.example>\n"
	    "Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=\n\nx\n";
	struct fixture f;
	char *back;

	fixture_open(&f);
	back = round_trip(&f, text);
	expect(back,
	    "<01234567890123456789012345678901234567890123456789012345678"
	    "901234567890@bravo.example>");
	expect(back, "Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=");
	CU_ASSERT_EQUAL(f.losses.n, 2);
	fixture_close(&f);
}

static void
latin_subjects_travel_in_t61(void)
{
	static const uint8_t want[] = {
	    'G', 'r', 0x1b, 0x29, 0x76, 0xc8, 'u', 0xfb, 'e'};
	struct fixture f;
	struct ipm *m;
	char *back;

	fixture_open(&f);
	m = ipm_of(&f, "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n\r\n");
	CU_ASSERT_EQUAL_FATAL(m->subject.n, sizeof(want));
	CU_ASSERT(memcmp(m->subject.p, want, sizeof(want)) == 0);
	back = round_trip(&f, "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\n\nx\n");
	CU_ASSERT_STRING_EQUAL(
	    mixer_2047_decode(f.a, strstr(back, "Subject:") + 9) + 0,
	    mixer_2047_decode(f.a, strstr(back, "Subject:") + 9));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(mixer_2047_decode(f.a, strstr(back, "Subject:")), "Grüße"));
	fixture_close(&f);
}

/* Text: the charset decides the body part, the body part the charset. */
static const struct {
	const char *type, *body;
	int32_t part;
	const char *oid;
	const char *back_type, *back_body;
} texts[] = {
    {"text/plain; charset=us-ascii", "plain\n", IPM_IA5_TEXT, NULL,
	"charset=us-ascii", "\r\n\r\nplain\r\n"},
    {"text/plain; charset=utf-8", "ascii in utf-8\n", IPM_IA5_TEXT, NULL,
	"charset=us-ascii", "ascii in utf-8\r\n"},
    {"text/plain; charset=utf-8",
	"Gr\xc3\xbc\xc3\x9f"
	"e\n",
	IPM_EXTERNALLY_DEFINED, IPM_OID_GENERAL_TEXT, "charset=iso-8859-1",
	"Gr=FC=DFe\r\n"},
    {"text/plain; charset=utf-8", "\xe2\x82\xac 5\n", IPM_EXTERNALLY_DEFINED,
	IPM_OID_GENERAL_TEXT, "charset=utf-8", "4oKsIDUNCg=="},
    {"text/plain; charset=iso-8859-5", "abc \xbf\n", IPM_EXTERNALLY_DEFINED,
	IPM_OID_GENERAL_TEXT, "charset=iso-8859-5", "abc =BF\r\n"},
    {"text/plain; charset=windows-1252", "\x80 5\n", IPM_EXTERNALLY_DEFINED,
	IPM_OID_GENERAL_TEXT, "charset=utf-8", "4oKsIDUNCg=="},
    {"text/plain; charset=no-such-charset", "\xff\xfe", IPM_EXTERNALLY_DEFINED,
	IPM_OID_FILE_TRANSFER, "charset=no-such-charset", "//4="},
};

static void
text_goes_into_the_narrowest_body_part_and_back(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fixture f;
		const char *text;
		struct ipm *m;

		fixture_open(&f);
		text = arena_printf(f.a,
		    "MIME-Version: 1.0\nContent-Type: %s\n"
		    "Content-Transfer-Encoding: 8bit\n\n%s",
		    texts[i].type, texts[i].body);
		m = ipm_of(&f, text);
		CU_ASSERT_EQUAL_FATAL(m->n_parts, 1);
		CU_ASSERT_EQUAL(m->parts[0].type, texts[i].part);
		if (texts[i].oid != NULL && m->parts[0].oid != NULL)
			CU_ASSERT_STRING_EQUAL(m->parts[0].oid, texts[i].oid);
		text = round_trip(&f, text);
		expect(text, texts[i].back_type);
		expect(text, texts[i].back_body);
		fixture_close(&f);
	}
}

static void
general_text_has_the_registered_sets_and_escapes(void)
{
	static const char esc[] = "\x1b(B\x1b-A\x1b!A\x1b~";
	struct ipm_general_text g;
	struct fixture f;
	struct ipm *m;

	fixture_open(&f);
	m = ipm_of(&f,
	    "Content-Type: text/plain; charset=iso-8859-1\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n\xfc\r\n");
	CU_ASSERT_FATAL(ipm_general_text_get(f.a, &m->parts[0], &g));
	CU_ASSERT_EQUAL_FATAL(g.n_sets, 3);
	CU_ASSERT_EQUAL(g.sets[0], 1);
	CU_ASSERT_EQUAL(g.sets[1], 6);
	CU_ASSERT_EQUAL(g.sets[2], 100);
	CU_ASSERT_EQUAL_FATAL(g.text.n, sizeof(esc) - 1 + 3);
	CU_ASSERT(memcmp(g.text.p, esc, sizeof(esc) - 1) == 0);
	fixture_close(&f);
}

static const char attachments[] =
    "From: a@bravo.example\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b1\n"
    "\n"
    "preamble\n"
    "--b1\n"
    "Content-Type: text/plain\n"
    "\n"
    "see attached\n"
    "--b1\n"
    "Content-Type: application/pdf; name=\"r.pdf\"\n"
    "Content-Disposition: attachment; filename=\"report.pdf\";\n"
    "\tmodification-date=\"Sat, 21 Nov 2026 12:00:00 +0100\"\n"
    "Content-Description: the report\n"
    "Content-ID: <part2@bravo.example>\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "JVBERi0A/w==\n"
    "--b1\n"
    "Content-Type: image/gif\n"
    "Content-Disposition: inline; filename=x.gif\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "R0lG\n"
    "--b1--\n";

static void
attachments_keep_name_type_date_and_octets(void)
{
	struct ipm_ftbp file;
	struct fixture f;
	struct ipm *m;
	char *back;

	fixture_open(&f);
	m = ipm_of(&f, attachments);
	CU_ASSERT_EQUAL_FATAL(m->n_parts, 3);
	CU_ASSERT_FATAL(ipm_ftbp_get(f.a, &m->parts[1], &file));
	CU_ASSERT_STRING_EQUAL(file.filename, "report.pdf");
	CU_ASSERT_STRING_EQUAL(file.modified, "20261121120000+0100");
	CU_ASSERT_EQUAL(file.size, 7);
	CU_ASSERT_EQUAL_FATAL(file.data.n, 7);
	CU_ASSERT(memcmp(file.data.p, "%PDF-\0\xff", 7) == 0);
	CU_ASSERT_FATAL(ipm_ftbp_get(f.a, &m->parts[2], &file));
	CU_ASSERT_STRING_EQUAL(file.application, "2.16.840.1.113694.2.2.1.4");
	back = round_trip(&f, attachments);
	expect(back, "Content-Type: multipart/mixed;");
	expect(back, "see attached\r\n");
	expect(back, "Content-Type: application/pdf; name=\"r.pdf\"");
	expect(back, "filename=\"report.pdf\"");
	expect(back, "modification-date=\"Sat, 21 Nov 2026 12:00:00 +0100\"");
	expect(back, "Content-Description: the report");
	expect(back, "Content-ID: <part2@bravo.example>");
	expect(back, "JVBERi0A/w==");
	expect(back, "Content-Type: image/gif");
	expect(back, "Content-Disposition: inline; filename=x.gif");
	CU_ASSERT_EQUAL(f.losses.n, 0);
	fixture_close(&f);
}

static void
octet_stream_follows_the_configuration(void)
{
	static const char text[] =
	    "Content-Type: application/octet-stream\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n";
	struct fixture f;
	struct ipm *m;

	fixture_open(&f);
	m = ipm_of(&f, text);
	CU_ASSERT_EQUAL(m->parts[0].type, IPM_EXTERNALLY_DEFINED);
	f.c.octet_stream_bilateral = true;
	m = ipm_of(&f, text);
	CU_ASSERT_EQUAL(m->parts[0].type, IPM_BILATERALLY_DEFINED);
	CU_ASSERT_EQUAL(m->parts[0].data.n, 3);
	fixture_close(&f);
}

static const char nested[] = "MIME-Version: 1.0\n"
			     "Content-Type: multipart/mixed; boundary=b1\n\n"
			     "--b1\n"
			     "Content-Type: multipart/parallel; boundary=b2\n\n"
			     "--b2\n\none\n--b2\n\ntwo\n--b2--\n"
			     "--b1\n"
			     "Content-Type: message/rfc822\n\n"
			     "From: inner@bravo.example\n"
			     "Subject: forwarded\n\n"
			     "inner text\n"
			     "--b1--\n";

static void
multiparts_and_messages_become_forwarded_ipms_and_back(void)
{
	struct fixture f;
	struct ipm *m;
	char *back;

	fixture_open(&f);
	m = ipm_of(&f, nested);
	CU_ASSERT_EQUAL_FATAL(m->n_parts, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->parts[0].message);
	CU_ASSERT_EQUAL(m->parts[0].message->n_parts, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->parts[1].message);
	CU_ASSERT_EQUAL(m->parts[1].message->n_parts, 1);
	back = round_trip(&f, nested);
	expect(back, "Content-Type: multipart/mixed;");
	expect(back, "Content-Type: multipart/parallel;");
	expect(back, "Content-Type: message/rfc822");
	expect(back, "Subject: forwarded");
	expect(back, "From: inner@bravo.example");
	expect(back, "inner text");
	fixture_close(&f);
}

static void
the_text_of_alternatives_is_text_and_the_rest_files(void)
{
	static const char text[] =
	    "Content-Type: multipart/alternative; boundary=b1\n\n"
	    "--b1\nContent-Type: text/plain\n\nplain\n"
	    "--b1\nContent-Type: text/html\n\n<p>html\n"
	    "--b1--\n";
	struct fixture f;
	struct ipm *m;

	fixture_open(&f);
	m = ipm_of(&f, text);
	CU_ASSERT_EQUAL_FATAL(m->n_parts, 2);
	CU_ASSERT_EQUAL(m->parts[0].type, IPM_IA5_TEXT);
	CU_ASSERT_STRING_EQUAL(m->parts[1].oid, IPM_OID_FILE_TRANSFER);
	expect(round_trip(&f, text), "Content-Type: multipart/alternative;");
	fixture_close(&f);
}

static void
signed_mail_travels_untouched_inside_ia5(void)
{
	static const char text[] =
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/signed; protocol=\"x/y\";\n"
	    " micalg=sha256; boundary=b1\n\n"
	    "--b1\nContent-Type: text/plain\nX-Odd:   spacing\n\n"
	    "signed  text \n"
	    "--b1\nContent-Type: x/y\n\nsig\n--b1--\n";
	struct fixture f;
	struct ipm *m;
	char *back;

	fixture_open(&f);
	m = ipm_of(&f, text);
	CU_ASSERT_EQUAL_FATAL(m->n_parts, 1);
	CU_ASSERT_EQUAL(m->parts[0].type, IPM_IA5_TEXT);
	CU_ASSERT(strncmp((const char *)m->parts[0].data.p,
		      "MIME-Version:", 13) == 0);
	back = round_trip(&f, text);
	expect(back, "Content-Type: multipart/signed; protocol=\"x/y\"");
	expect(back,
	    "\r\n--b1\r\nContent-Type: text/plain\r\nX-Odd:   "
	    "spacing\r\n\r\nsigned  text \r\n--b1\r\n");
	fixture_close(&f);
}

static void
unknown_body_parts_are_tunnelled_both_ways(void)
{
	/* heading {this-IPM "x"}, body { [19] "abc", videotex [6] } */
	static const char p22[] = "a0 19 31 05 6b 03 13 01 78 30 10 b3 05 04 03"
				  "61 62 63 a6 07 31 00 14 03 41 42 43";
	struct buf in = {0}, again = {0};
	struct fixture f;
	char *text;

	fixture_open(&f);
	unhex(p22, &in);
	text = to_822(&f, &in);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	expect(text, "Content-Type: application/x400-bp; bp-type=19");
	expect(text, "Content-Type: application/x400-bp; bp-type=6");
	CU_ASSERT_EQUAL(to_p22(&f, text, strlen(text), &again), 0);
	CU_ASSERT_PTR_NOT_NULL(
	    memmem(again.data, again.len, in.data + in.len - 16, 16));
	buf_free(&in);
	buf_free(&again);
	fixture_close(&f);
}

static void
p22_becomes_p2_with_what_1984_knows(void)
{
	struct buf p22 = {0}, p2 = {0};
	struct ipm_object o;
	struct fixture f;

	fixture_open(&f);
	CU_ASSERT_EQUAL(
	    to_p22(&f, attachments, sizeof(attachments) - 1, &p22), 0);
	CU_ASSERT_EQUAL(
	    mixer_content(f.a, &f.c, MHS_CONTENT_P22, MHS_CONTENT_P2, p22.data,
		p22.len, FIXTURE_NOW, &p2, &f.losses, &f.e),
	    0);
	CU_ASSERT_EQUAL_FATAL(ipm_decode(f.a, p2.data, p2.len, &o, &f.e), 0);
	CU_ASSERT_EQUAL(o.ipm->exts.n, 0);
	for (size_t i = 0; i < o.ipm->n_parts; i++)
		CU_ASSERT_NOT_EQUAL(
		    o.ipm->parts[i].type, IPM_EXTERNALLY_DEFINED);
	CU_ASSERT(f.losses.n >= 2);
	buf_free(&p22);
	buf_free(&p2);
	fixture_close(&f);
}

static void
p2_is_not_made_where_the_originator_prohibits_it(void)
{
	static const uint8_t yes[] = {10, 1, 1};
	struct mhs_envelope *env, *to = NULL;
	struct buf p22 = {0}, p2 = {0};
	struct mhs_ext *x;
	struct fixture f;

	fixture_open(&f);
	CU_ASSERT_EQUAL(
	    to_p22(&f, attachments, sizeof(attachments) - 1, &p22), 0);
	env = mhs_envelope_new(f.a, MHS_MESSAGE);
	env->content_type = MHS_CONTENT_P22;
	CU_ASSERT_EQUAL(mixer_to_p2(f.a, &f.c, env, p22.data, p22.len,
			    FIXTURE_NOW, &to, &p2, &f.losses, &f.e),
	    0);
	CU_ASSERT_EQUAL(to->content_type, MHS_CONTENT_P2);
	CU_ASSERT_EQUAL(env->content_type, MHS_CONTENT_P22);
	x = arena_push(f.a, &env->exts.v, &env->exts.n, sizeof(*x));
	x->type = P1_EXT_CONVERSION_WITH_LOSS_PROHIBITED;
	x->value = yes;
	x->n = sizeof(yes);
	CU_ASSERT_EQUAL(mixer_to_p2(f.a, &f.c, env, p22.data, p22.len,
			    FIXTURE_NOW, &to, &p2, &f.losses, &f.e),
	    ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(f.e.detail, MHS_CONVERSION_WITH_LOSS_PROHIBITED);
	env->exts.n = 0;
	env->implicit_conversion_prohibited = true;
	CU_ASSERT_EQUAL(mixer_to_p2(f.a, &f.c, env, p22.data, p22.len,
			    FIXTURE_NOW, &to, &p2, &f.losses, &f.e),
	    ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(f.e.detail, MHS_IMPLICIT_CONVERSION_PROHIBITED);
	buf_free(&p22);
	buf_free(&p2);
	fixture_close(&f);
}

static void
hostile_mime_is_bounded(void)
{
	struct fixture f;
	struct buf b = {0}, out = {0};

	fixture_open(&f);
	for (int i = 0; i < 2000; i++)
		buf_printf(&b,
		    "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i,
		    i);
	CU_ASSERT_EQUAL(to_p22(&f, (char *)b.data, b.len, &out), ERR_LIMIT);
	buf_clear(&b);
	for (int i = 0; i < 500; i++)
		buf_puts(&b, "Content-Type: message/rfc822\n\n");
	CU_ASSERT_EQUAL(to_p22(&f, (char *)b.data, b.len, &out), ERR_LIMIT);
	buf_clear(&b);
	buf_puts(&b, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < MIXER_PARTS_MAX + 10; i++)
		buf_puts(&b, "--b\n\nx\n");
	CU_ASSERT_EQUAL(to_p22(&f, (char *)b.data, b.len, &out), ERR_LIMIT);
	CU_ASSERT_EQUAL(f.e.detail, MHS_CONTENT_SYNTAX_ERROR);
	buf_clear(&b);
	for (int i = 0; i < MIXER_FIELDS_MAX + 10; i++)
		buf_puts(&b, "X: y\n");
	CU_ASSERT_EQUAL(to_p22(&f, (char *)b.data, b.len, &out), ERR_LIMIT);
	buf_free(&b);
	buf_free(&out);
	fixture_close(&f);
}

static void
a_p22_value_cannot_start_a_field_of_its_own(void)
{
	/* subject and an rfc-822-field with CR LF inside */
	struct fixture f;
	struct ipm_object o = {0};
	struct buf p22 = {0};
	const char *inject[] = {"X-Good: a\r\nX-Evil: b", "Bad Name: c",
	    "Received: forged", "From: forged@x.example"};
	struct ipm_ext x;
	char *text;

	fixture_open(&f);
	o.ipm = ipm_new(f.a);
	o.ipm->this_ipm.relative = "id\r\nX-Evil: 1";
	o.ipm->subject =
	    (struct octets){(const uint8_t *)"hi\r\nX-Evil: 2\r\n\r\nbody", 21};
	x = (struct ipm_ext){
	    IPM_OID_RFC822_FIELDS, ipm_fields_encode(f.a, inject, 4)};
	o.ipm->exts = (struct ipm_exts){&x, 1};
	CU_ASSERT_EQUAL(ipm_encode(f.a, &o, &p22, &f.e), 0);
	text = to_822(&f, &p22);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NULL(strstr(text, "\nX-Evil"));
	CU_ASSERT_PTR_NULL(strstr(text, "\nBad Name"));
	CU_ASSERT_PTR_NULL(strstr(text, "forged"));
	expect(text, "\r\nX-Good: a");
	buf_free(&p22);
	fixture_close(&f);
}

static void
text_that_no_mime_accounts_for_is_kept_and_named(void)
{
	static const char *const v[] = {
	    "Content-Type: multipart/mixed\n\nkept text\n",
	    "Content-Type: multipart/mixed; boundary=x\n\n--y\n\nkept text\n",
	    ("Content-Type: multipart/mixed; boundary=x\n\n--x\n"
	     "Content-Type: multipart/mixed\n\nkept text\n--x--\n"),
	    "Content-Type: multipart/alternative\n\nkept text\n",
	    "From: a@bravo.example\nkept text\nTo: b@c\n\nHello\n",
	    "From: a@bravo.example\nkept text\n",
	    "kept text\n\nmore\n",
	    "kept text",
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct fixture f;

		fixture_open(&f);
		expect(round_trip(&f, v[i]), "kept text");
		CU_ASSERT(f.losses.n > 0);
		fixture_close(&f);
	}
}

static void
octets_without_a_boundary_become_a_file(void)
{
	static const char in[] =
	    "Content-Type: multipart/mixed\n\n\xff\xfe\0binary\n";
	struct buf p22 = {0};
	struct fixture f;

	fixture_open(&f);
	CU_ASSERT_EQUAL(to_p22(&f, in, sizeof(in) - 1, &p22), 0);
	CU_ASSERT_PTR_NOT_NULL(
	    memmem(p22.data, p22.len, "\xff\xfe\0binary", 9));
	CU_ASSERT_EQUAL(f.losses.n, 1);
	buf_free(&p22);
	fixture_close(&f);
}

static void
a_line_that_is_no_field_in_a_message_within_is_named(void)
{
	struct fixture f;

	fixture_open(&f);
	(void)round_trip(&f,
	    "Content-Type: message/rfc822\n\nFrom: a@bravo.example\n"
	    "stray line\nSubject: x\n\nHello\n");
	CU_ASSERT(f.losses.n > 0);
	fixture_close(&f);
}

static void
message_types_are_never_encoded(void)
{
	static const struct {
		const char *type, *body, *want;
		size_t losses;
	} v[] = {
	    {"message/delivery-status", "Reporting-MTA: dns; x\n",
		"Content-Transfer-Encoding: 7bit\r\n\r\n"
		"Reporting-MTA: dns; x\r\n",
		0},
	    {"message/partial; id=\"a\"; number=1", "Subject: one\n",
		"Content-Transfer-Encoding: 7bit\r\n\r\nSubject: one\r\n", 0},
	    {"message/delivery-status", "Reporting-MTA: dns; \xfc\n",
		"Content-Type: application/octet-stream\r\n", 1},
	    {"message/global-delivery-status", "Reporting-MTA: dns; x\n",
		"Content-Transfer-Encoding: base64\r\n", 0},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct fixture f;

		fixture_open(&f);
		expect(round_trip(&f,
			   arena_printf(f.a, "Content-Type: %s\n\n%s",
			       v[i].type, v[i].body)),
		    v[i].want);
		CU_ASSERT_EQUAL(f.losses.n, v[i].losses);
		fixture_close(&f);
	}
}

static void
repeated_and_trace_fields_are_named_as_lost(void)
{
	struct fixture f;
	char *back;

	fixture_open(&f);
	back = round_trip(&f,
	    "Received: from a by b; Sat, 21 Nov 2026 12:00:05 +0000\n"
	    "From: one@bravo.example\nFrom: two@bravo.example\n"
	    "Subject: first\nSubject: second\n\nHello\n");
	expect(back, "From: one@bravo.example");
	expect(back, "Subject: first");
	CU_ASSERT_EQUAL(f.losses.n, 3);
	fixture_close(&f);
}

void
suite_mixer_message(void)
{
	static CU_TestInfo tests[] = {
	    TEST(every_mapped_field_comes_back),
	    TEST(the_heading_is_what_rfc_2156_says),
	    TEST(message_ids_are_reversible),
	    TEST(messages_without_an_id_get_ids_of_their_own),
	    TEST(mts_identifiers_fit_and_differ),
	    TEST(long_ids_and_foreign_subjects_are_kept_whole),
	    TEST(latin_subjects_travel_in_t61),
	    TEST(text_goes_into_the_narrowest_body_part_and_back),
	    TEST(general_text_has_the_registered_sets_and_escapes),
	    TEST(attachments_keep_name_type_date_and_octets),
	    TEST(octet_stream_follows_the_configuration),
	    TEST(multiparts_and_messages_become_forwarded_ipms_and_back),
	    TEST(the_text_of_alternatives_is_text_and_the_rest_files),
	    TEST(signed_mail_travels_untouched_inside_ia5),
	    TEST(unknown_body_parts_are_tunnelled_both_ways),
	    TEST(p22_becomes_p2_with_what_1984_knows),
	    TEST(p2_is_not_made_where_the_originator_prohibits_it),
	    TEST(hostile_mime_is_bounded),
	    TEST(a_p22_value_cannot_start_a_field_of_its_own),
	    TEST(text_that_no_mime_accounts_for_is_kept_and_named),
	    TEST(octets_without_a_boundary_become_a_file),
	    TEST(a_line_that_is_no_field_in_a_message_within_is_named),
	    TEST(message_types_are_never_encoded),
	    TEST(repeated_and_trace_fields_are_named_as_lost),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_message", tests);
}
