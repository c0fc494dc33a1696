/*
 * Each state of X.225 Annex A with each event: every SPDU and every request,
 * in half-duplex and duplex, without activity management, inside and outside of
 * an activity, with the tokens on either side. The matrix here is written
 * from the standard's procedures (7.1 to 7.37), not from osi/ses_table.c.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/ses_ends.h"

/* A letter for each state, in the order of the matrix' columns; '1' is STA01. */
static const struct {
	char letter;
	enum ses_state state;
} columns[] = {
    {'c', STA01C},
    {'d', STA01D},
    {'a', STA02A},
    {'b', STA02B},
    {'3', STA03},
    {'M', STA04A},
    {'E', STA04B},
    {'I', STA05B},
    {'D', STA05C},
    {'8', STA08},
    {'9', STA09},
    {'m', STA10A},
    {'e', STA10B},
    {'i', STA11B},
    {'x', STA11C},
    {'6', STA16},
    {'g', STA18},
    {'Z', STA19},
    {'Y', STA20},
    {'C', STA21},
    {'p', STA22},
    {'7', STA713},
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* What must hold for a cell to be valid: O all tokens ours, T all theirs, o
 * and t the same of the data token; A activity management, i inside of an
 * activity if there is that, u outside; h half-duplex (exceptions). A cell
 * is the next state, '-' ignored whatever holds, '.' an error. */

/* Every SPDU; the serial number in it is 1. */
static const struct {
	enum spdu_type type;
	const char *tsdu, *needs, *cells;
} spdus[] = {
    /*                       cdab3MEID89meix6gZYCp7 */
    {SPDU_CN, "0d09 0503160102 1402ffff", "", /**/
	"8..............-......"},
    {SPDU_OA, "1003 160102", "", /**/
	"...a...........-......"},
    {SPDU_CDO, "0f03 190102", "", /**/
	".8.............-......"},
    {SPDU_AC, "0e09 0503160102 1402ffff", "", /**/
	"..7............-......"},
    {SPDU_RF, "0c03 320100", "", /**/
	"..11...........-......"},
    {SPDU_FN, "0903 110101", "Tu", /**/
	"...............-..-..9"},
    {SPDU_DN, "0a00", "", /**/
	"....1..........-......"},
    {SPDU_NF, "0800", "", /**/
	"....7..........-......"},
    {SPDU_AB, "1903 110103", "", /**/
	"1111111111111111111111"},
    {SPDU_AA, "1a00", "", /**/
	"...............1......"},
    {SPDU_DT, "0100 0100 61", "t", /**/
	"....3ME--......-g.-C.7"},
    {SPDU_TD, "2100 61", "", /**/
	"....3ME--..me..-g--C.7"},
    {SPDU_GT, "0103 100140", "T", /**/
	".....ME--..me..-..YC.7"},
    {SPDU_GT, "0103 100141", "Th", /**/
	".....ME--..me..-..7C.7"},
    {SPDU_PT, "0203 100140", "", /**/
	"....3ME--..me..-gZ-C.7"},
    {SPDU_GTC, "1500", "ATu", /**/
	"...............-.....7"},
    {SPDU_GTA, "1600", "", /**/
	"...............-7....."},
    {SPDU_MIP, "0100 3103 2a0131", "Ti", /**/
	".......--......-..-..7"},
    {SPDU_MIA, "0200 3203 2a0131", "i", /**/
	"....3ME--......-.--..7"},
    {SPDU_MAP, "0100 2906 0f0101 2a0131", "Ti", /**/
	"...............-..-..m"},
    {SPDU_MAA, "0200 2a03 2a0131", "i", /**/
	".....7.--......-..-..."},
    {SPDU_AEA, "0200 2a03 2a0131", "Ai", /**/
	"......7--......-..-..."},
    {SPDU_ER, "0200 0000", "hi", /**/
	"....YYY--......-..-..Y"},
    {SPDU_ED, "0200 3003 320100", "h", /**/
	"....ZZZ--......-..-..Z"},
    {SPDU_AS, "0100 2d03 290101", "ATu", /**/
	"...............-.....7"},
    {SPDU_AR, "0100 1d0b 2106 290101 2a0131 290101", "ATu", /**/
	"...............-.....7"},
    {SPDU_AI, "0100 1900", "ATi", /**/
	"...........ii..-.ii..i"},
    {SPDU_AIA, "0200 1a00", "Ai", /**/
	".......7.......-......"},
    {SPDU_AD, "0100 3900", "ATi", /**/
	"...........xx..-.xx..x"},
    {SPDU_ADA, "0200 3a00", "Ai", /**/
	"........7......-......"},
    {SPDU_AE, "0100 2903 2a0131", "ATi", /**/
	"...............-..-..e"},
    {SPDU_CD, "0100 3d00", "ATu", /**/
	"...............-.....p"},
    {SPDU_CDA, "0200 3e00", "Au", /**/
	"...............-...7.."},
};
#define N_SPDUS (sizeof(spdus) / sizeof(spdus[0]))

/* Every request and response. */
static const struct {
	enum ses_prim_type type;
	enum ses_prim_kind kind;
	bool accepted;
	uint8_t tokens;
	const char *needs, *cells;
} requests[] = {
    /*                       cdab3MEID89meix6gZYCp7 */
    {SES_CONNECT, SES_REQ, false, 0, "", /**/
	"......................"},
    {SES_CONNECT, SES_RSP, true, 0, "", /**/
	".........7............"},
    {SES_CONNECT, SES_RSP, false, 0, "", /**/
	".........6............"},
    {SES_DATA, SES_REQ, false, 0, "o", /**/
	"..........9me.......p7"},
    {SES_TYPED_DATA, SES_REQ, false, 0, "", /**/
	".....ME...9me.......p7"},
    {SES_TOKEN_GIVE, SES_REQ, false, 0x40, "O", /**/
	".....ME....me.......p7"},
    {SES_TOKEN_GIVE, SES_REQ, false, 0x41, "Oh", /**/
	".....ME....me....77.p7"},
    {SES_TOKEN_PLEASE, SES_REQ, false, 0x40, "T", /**/
	".....ME...9me.......p7"},
    {SES_CONTROL_GIVE, SES_REQ, false, 0, "AOu", /**/
	".....................g"},
    {SES_SYNC_MINOR, SES_REQ, false, 0, "Oi", /**/
	".....................7"},
    {SES_SYNC_MINOR, SES_RSP, true, 0, "i", /**/
	"..........9me........7"},
    {SES_SYNC_MAJOR, SES_REQ, false, 0, "Oi", /**/
	".....................M"},
    {SES_SYNC_MAJOR, SES_RSP, true, 0, "", /**/
	"...........7.........."},
    {SES_ACTIVITY_START, SES_REQ, false, 0, "AOu", /**/
	".....................7"},
    {SES_ACTIVITY_RESUME, SES_REQ, false, 0, "AOu", /**/
	".....................7"},
    {SES_ACTIVITY_INTERRUPT, SES_REQ, false, 0, "AOi", /**/
	".....II..........II..I"},
    {SES_ACTIVITY_INTERRUPT, SES_RSP, true, 0, "", /**/
	".............7........"},
    {SES_ACTIVITY_DISCARD, SES_REQ, false, 0, "AOi", /**/
	".....DD..........DD..D"},
    {SES_ACTIVITY_DISCARD, SES_RSP, true, 0, "", /**/
	"..............7......."},
    {SES_ACTIVITY_END, SES_REQ, false, 0, "AOi", /**/
	".....................E"},
    {SES_ACTIVITY_END, SES_RSP, true, 0, "", /**/
	"............7........."},
    {SES_CAPABILITY_DATA, SES_REQ, false, 0, "AOu", /**/
	".....................C"},
    {SES_CAPABILITY_DATA, SES_RSP, true, 0, "", /**/
	"....................7."},
    {SES_U_EXCEPTION, SES_REQ, false, 0, "hTi", /**/
	"...........YY........Y"},
    {SES_RELEASE, SES_REQ, false, 0, "Ou", /**/
	".....................3"},
    {SES_RELEASE, SES_RSP, true, 0, "", /**/
	"..........6..........."},
    {SES_RELEASE, SES_RSP, false, 0, "", /**/
	"..........7..........."},
    {SES_U_ABORT, SES_REQ, false, 0, "", /**/
	"666666666666666.666666"},
};
#define N_REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* What the association was negotiated to, and where it stands. */
struct variant {
	bool duplex, activities, inside, ours;
};

static bool
holds(const struct variant *v, const char *needs)
{
	bool ok = true;

	for (; *needs != '\0'; needs++)
		switch (*needs) {
		case 'O': ok = ok && v->ours; break;
		case 'T': ok = ok && !v->ours; break;
		case 'o': ok = ok && (v->duplex || v->ours); break;
		case 't': ok = ok && (v->duplex || !v->ours); break;
		case 'A': ok = ok && v->activities; break;
		case 'i': ok = ok && (!v->activities || v->inside); break;
		case 'u': ok = ok && (!v->activities || !v->inside); break;
		case 'h': ok = ok && !v->duplex; break;
		default: ok = false;
		}
	return ok;
}

static uint16_t
units(const struct variant *v)
{
	uint16_t fu = SES_FU_MINOR_SYNC | SES_FU_MAJOR_SYNC |
	    SES_FU_NEGOTIATED_RELEASE | SES_FU_TYPED_DATA;

	fu |=
	    v->duplex ? SES_FU_DUPLEX : SES_FU_HALF_DUPLEX | SES_FU_EXCEPTIONS;
	if (v->activities)
		fu |= SES_FU_ACTIVITY | SES_FU_CAPABILITY;
	return fu;
}

/* An end put into a state; serial number 1 is the next point, or, for an
 * acknowledgement, the one that waits for it. */
static void
open_in(struct end *e, enum ses_state state, const struct variant *v,
    bool acknowledges)
{
	static const uint8_t overflow[SPDU_CN_DATA_MAX + 1];
	struct ses_params p = end_params(OSI_RESPONDER);

	end_open(e, &p);
	e->accept = false;
	cotp_input(
	    ses_cotp(e->s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	buf_clear(cotp_output(ses_cotp(e->s)));
	e->s->state = state;
	e->s->fu = units(v);
	e->s->vact = v->activities && v->inside;
	e->s->tokens = v->ours ? ses_available_tokens(e->s) : 0;
	e->s->va = 1;
	e->s->vm = acknowledges ? 2 : 1;
	if (state == STA02B)
		buf_append(&e->s->connect_data, overflow, sizeof(overflow));
}

static char
letter_of(enum ses_state state)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		if (columns[i].state == state)
			return columns[i].letter;
	return state == STA01 ? '1' : '?';
}

static void
expect(char want, char got, const char *event, const char *where,
    const struct variant *v)
{
	CU_ASSERT_EQUAL(got, want);
	if (got != want)
		fprintf(stderr, "%s in %s%s%s%s%s: '%c', not '%c'\n", event,
		    where, v->duplex ? " duplex" : "",
		    v->activities ? " activities" : "",
		    v->inside ? " inside" : "", v->ours ? " ours" : "", got,
		    want);
}

static bool
is_ack(enum spdu_type type)
{
	return type == SPDU_MIA || type == SPDU_MAA || type == SPDU_AEA;
}

/* The next state, '-' nothing happened, '.' it was answered with an AB. */
static char
outcome(struct end *e, enum ses_state before)
{
	struct buf *out = cotp_output(ses_cotp(e->s));
	bool aborted = out->len > 12 && out->data[7] == 25 &&
	    out->data[11] == (SPDU_TC_RELEASED | SPDU_TD_PROTOCOL_ERROR);
	bool told = e->log.len > 0 || e->data.len > 0;

	if (aborted && e->s->state == STA16 &&
	    strcmp(buf_cstr(&e->log), "P-ABORT.ind") == 0)
		return '.';
	if (e->s->state == before && !told && out->len == 0)
		return '-';
	return letter_of(e->s->state);
}

static char
expected_of_spdu(size_t row, size_t col, const struct variant *v)
{
	char cell = spdus[row].cells[col];
	enum ses_state state = columns[col].state;

	/* an ED that crossed our GT: the token is gone already */
	if (spdus[row].type == SPDU_ED && cell == 'Z' && !v->duplex && !v->ours)
		return '-';
	/* outside of connections and in ignoring states nothing is checked */
	if (cell == '-' || state == STA16)
		return cell;
	/* the octets of a MAA are an AEA to who waits for that */
	if (spdus[row].type == SPDU_MAA && state == STA04B)
		return holds(v, "Ai") ? '7' : '.';
	if (spdus[row].type == SPDU_AEA && state == STA04A)
		return holds(v, "i") ? '7' : '.';
	return holds(v, spdus[row].needs) ? cell : '.';
}

static void
one_spdu(size_t row, size_t col, const struct variant *v)
{
	enum ses_state state = columns[col].state;
	struct end e;

	open_in(&e, state, v, is_ack(spdus[row].type));
	put_in(&e, spdus[row].tsdu);
	expect(expected_of_spdu(row, col, v), outcome(&e, state),
	    spdu_name(spdus[row].type), ses_states[state].name, v);
	end_close(&e);
}

static void
one_request(size_t row, size_t col, const struct variant *v)
{
	struct ses_prim p = {
	    .type = requests[row].type,
	    .kind = requests[row].kind,
	    .accepted = requests[row].accepted,
	    .tokens = requests[row].tokens,
	    .serial = requests[row].kind == SES_RSP ? 1 : 0,
	    .last = true,
	};
	char cell = requests[row].cells[col];
	enum ses_state state = columns[col].state;
	struct end e;
	int r;

	if (p.type == SES_ACTIVITY_RESUME)
		p.serial = 7;
	open_in(&e, state, v, p.kind == SES_RSP);
	e.s->vsc = true;
	r = ses_request(e.s, &p, NULL);
	if (!holds(v, requests[row].needs))
		cell = '.';
	if (cell == '.') {
		CU_ASSERT_EQUAL(r, ERR_PROTOCOL);
		CU_ASSERT_EQUAL(e.s->state, state);
		CU_ASSERT_EQUAL(cotp_output(ses_cotp(e.s))->len, 0);
	}
	expect(cell, r != 0 ? '.' : letter_of(e.s->state), prim_names[p.type],
	    ses_states[state].name, v);
	CU_ASSERT_EQUAL(e.log.len, 0);
	end_close(&e);
}

static void
in_every_variant(
    size_t rows, void (*one)(size_t, size_t, const struct variant *))
{
	for (unsigned bits = 0; bits < 16; bits++) {
		struct variant v = {(bits & 1) != 0, (bits & 2) != 0,
		    (bits & 4) != 0, (bits & 8) != 0};

		if (v.inside && !v.activities)
			continue;
		for (size_t row = 0; row < rows; row++)
			for (size_t col = 0; col < N_COLUMNS; col++)
				one(row, col, &v);
	}
}

static void
every_state_treats_every_spdu_as_annex_a_says(void)
{
	for (size_t i = 0; i < N_SPDUS; i++)
		CU_ASSERT_EQUAL_FATAL(strlen(spdus[i].cells), N_COLUMNS);
	in_every_variant(N_SPDUS, one_spdu);
}

static void
every_state_treats_every_request_as_annex_a_says(void)
{
	for (size_t i = 0; i < N_REQUESTS; i++)
		CU_ASSERT_EQUAL_FATAL(strlen(requests[i].cells), N_COLUMNS);
	in_every_variant(N_REQUESTS, one_request);
}

static void
all_states_spdus_and_primitives_are_in_the_matrix(void)
{
	for (int s = STA01C; s < SES_STATES; s++)
		CU_ASSERT(letter_of((enum ses_state)s) != '?');
	for (int t = SPDU_NONE + 1; t < SPDU_TYPES; t++) {
		bool found = false;

		for (size_t i = 0; i < N_SPDUS; i++)
			found |= spdus[i].type == (enum spdu_type)t;
		CU_ASSERT(found);
	}
	for (int t = 0; t <= SES_CAPABILITY_DATA; t++) {
		bool found = t == SES_P_ABORT || t == SES_P_EXCEPTION;

		for (size_t i = 0; i < N_REQUESTS; i++)
			found |= requests[i].type == (enum ses_prim_type)t;
		CU_ASSERT(found);
	}
}

/* A unit that was not selected makes its SPDUs and requests errors. */
static void
spdus_of_units_not_selected_are_errors(void)
{
	static const struct {
		enum spdu_type type;
		uint16_t fu;
	} rows[] = {
	    {SPDU_TD, SES_FU_TYPED_DATA},
	    {SPDU_MIP, SES_FU_MINOR_SYNC},
	    {SPDU_MIA, SES_FU_MINOR_SYNC},
	    {SPDU_MAP, SES_FU_MAJOR_SYNC},
	    {SPDU_GTC, SES_FU_ACTIVITY},
	    {SPDU_AS, SES_FU_ACTIVITY},
	    {SPDU_AR, SES_FU_ACTIVITY},
	    {SPDU_AI, SES_FU_ACTIVITY},
	    {SPDU_AD, SES_FU_ACTIVITY},
	    {SPDU_AE, SES_FU_ACTIVITY},
	    {SPDU_CD, SES_FU_CAPABILITY},
	    {SPDU_ER, SES_FU_EXCEPTIONS},
	    {SPDU_ED, SES_FU_EXCEPTIONS},
	};
	const struct variant v = {.activities = true, .inside = true};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t row = 0; row < N_SPDUS; row++) {
			struct end e;

			if (spdus[row].type != rows[i].type)
				continue;
			open_in(&e, STA713, &v, is_ack(rows[i].type));
			e.s->fu &= (uint16_t)~rows[i].fu;
			put_in(&e, spdus[row].tsdu);
			expect('.', outcome(&e, STA713),
			    spdu_name(rows[i].type), "STA713", &v);
			end_close(&e);
		}
}

/* FN from both ends at once is possible where no token orders them. */
static void
colliding_releases_are_answered_by_both(void)
{
	for (int dn_first = 0; dn_first < 2; dn_first++) {
		const struct variant v = {.duplex = true};
		struct end e;

		open_in(&e, STA03, &v, false);
		e.s->fu = SES_FU_DUPLEX;
		e.s->tokens = 0;
		put_in(&e, "0903 110101");
		CU_ASSERT_EQUAL(e.s->state, STA09);
		if (dn_first != 0)
			put_in(&e, "0a00");
		CU_ASSERT_EQUAL(end_respond(&e, SES_RELEASE, true, 0), 0);
		CU_ASSERT_EQUAL(e.s->state, dn_first != 0 ? STA16 : STA03);
		if (dn_first == 0)
			put_in(&e, "0a00");
		CU_ASSERT_STRING_EQUAL(end_log(&e), "RELEASE.ind RELEASE.cnf");
		end_close(&e);
	}
}

void
suite_osi_ses_table(void)
{
	static CU_TestInfo tests[] = {
	    TEST(every_state_treats_every_spdu_as_annex_a_says),
	    TEST(every_state_treats_every_request_as_annex_a_says),
	    TEST(all_states_spdus_and_primitives_are_in_the_matrix),
	    TEST(spdus_of_units_not_selected_are_errors),
	    TEST(colliding_releases_are_answered_by_both),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_table", tests);
}
