#include "p1/downgrade.h"

#include <string.h>

#include "asn1/ber.h"
#include "p1/envelope_codec.h"
#include "p1/ext_table.h"

#define EIT_BUILTINS 10       /* bits of 1984 */
#define EIT_PREFIX "2.6.3.4." /* id-eit: the numbers are those of the bits */
#define REASON_MAX 2
#define DIAGNOSTIC_MAX 11
#define USER_TYPE_MAX 1

/* --- the way up --- */

static void
upgrade_name(
    struct arena *a, struct mhs_name *name, const struct mhs_or *gateway)
{
	if (name->ora != NULL)
		name->ora = p1_upgrade_or(a, name->ora, gateway);
}

void
p1_upgrade(
    struct arena *a, struct mhs_envelope *env, const struct mhs_or *gateway)
{
	struct mhs_report *rep = env->report;

	upgrade_name(a, &env->originator, gateway);
	for (size_t i = 0; i < env->n_recipients; i++)
		upgrade_name(a, &env->recipients[i].name, gateway);
	for (size_t i = 0; rep != NULL && i < rep->n_recipients; i++) {
		upgrade_name(a, &rep->recipients[i].actual, gateway);
		upgrade_name(a, &rep->recipients[i].intended, gateway);
	}
}

/* --- extensions --- */

static bool
says_no(const struct mhs_ext *x)
{
	const struct p1_ext_row *row = p1_ext_row_of(x);

	return row != NULL && row->syntax == P1_SYNTAX_FLAG &&
	    p1_ext_check(x, NULL) >= 0 &&
	    !p1_ext_flag(&(struct mhs_exts){(struct mhs_ext *)x, 1},
		(enum p1_ext)x->type);
}

/* The first that must not be left out. */
static const struct mhs_ext *
needed(const struct mhs_exts *x)
{
	for (size_t i = 0; i < x->n; i++)
		if ((x->v[i].criticality &
			(MHS_CRITICAL_TRANSFER | MHS_CRITICAL_DELIVERY)) != 0 &&
		    !says_no(&x->v[i]))
			return &x->v[i];
	return NULL;
}

/* --- encoded information types --- */

static void
add_extended(struct arena *a, const struct ber_tlv *set, uint8_t bits[2])
{
	struct ber_cursor c = ber_children(set);
	struct ber_tlv t;

	while (ber_next(&c, &t, NULL) == 1) {
		const char *oid = ber_oid_text(a, t.value, t.length, NULL);
		size_t n = strlen(EIT_PREFIX);
		unsigned bit = 0;

		if (oid != NULL && strncmp(oid, EIT_PREFIX, n) == 0 &&
		    oid[n] >= '0' && oid[n] <= '9' && oid[n + 1] == '\0')
			bit = (unsigned)(oid[n] - '0');
		bits[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}

static void
add_builtin(struct arena *a, const struct ber_tlv *t, uint8_t bits[2])
{
	struct octets s;

	if (ber_string(a, t, &s, NULL) < 0)
		return;
	for (unsigned i = 0; i < EIT_BUILTINS && 1 + i / 8 < s.n; i++)
		bits[i / 8] |= (uint8_t)(s.p[1 + i / 8] & 0x80 >> i % 8);
}

/* Without [4]; the rest as it came, before which the bits belong. */
static void
downgrade_eits(struct arena *a, const uint8_t **p, size_t *n)
{
	struct ber_cursor c = ber_cursor(*p, *n);
	uint8_t bits[3] = {0};
	struct ber_tlv set, t;
	struct buf out = {0}, rest = {0};
	unsigned last = 0;

	if (*p == NULL || ber_next(&c, &set, NULL) != 1 ||
	    ber_find(&set, BER_CONTEXT, 4, &t, NULL) != 1)
		return;
	for (c = ber_children(&set); ber_next(&c, &t, NULL) == 1;)
		if (BER_IS(t.tag, BER_CONTEXT, 0))
			add_builtin(a, &t, bits + 1);
		else if (BER_IS(t.tag, BER_CONTEXT, 4))
			add_extended(a, &t, bits + 1);
		else
			buf_append(&rest, t.start, t.size);
	for (unsigned i = 0; i < EIT_BUILTINS; i++)
		if ((bits[1 + i / 8] & 0x80 >> i % 8) != 0)
			last = i;
	bits[0] = (uint8_t)(7 - last % 8);
	ber_put(&out, BER_CONTEXT, 0, bits, 2 + last / 8);
	buf_append(&out, rest.data, rest.len);
	ber_wrap(&out, 0, BER_APPLICATION, 5);
	*p = arena_memdup(a, out.data, out.len);
	*n = out.len;
	buf_free(&out);
	buf_free(&rest);
}

/* --- trace --- */

static size_t
downgrade_trace(struct arena *a, struct mhs_trace *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].internal)
			continue;
		v[kept] = v[i];
		v[kept].other_actions = 0;
		downgrade_eits(
		    a, &v[kept].converted_eits, &v[kept].converted_eits_n);
		kept++;
	}
	return kept;
}

/* --- who fails --- */

static void
fail(struct arena *a, struct p1_downgraded *out, size_t recipient,
    enum mhs_diagnostic diagnostic, const char *text)
{
	*(struct p1_downgrade_failure *)arena_push(
	    a, &out->failed, &out->n_failed, sizeof(*out->failed)) =
	    (struct p1_downgrade_failure){
		recipient, MHS_UNABLE_TO_TRANSFER, diagnostic, text};
}

static void
fail_all(struct arena *a, const struct mhs_envelope *env,
    struct p1_downgraded *out, enum mhs_diagnostic diagnostic, const char *text)
{
	out->env = NULL;
	for (size_t i = 0; i < env->n_recipients; i++)
		if (env->recipients[i].responsible)
			fail(a, out, i, diagnostic, text);
}

static const char *
why_not(struct arena *a, const struct mhs_ext *x)
{
	return arena_printf(
	    a, "%s is critical, and 1984 has none", p1_ext_text(a, x));
}

/* --- messages and probes --- */

static void
downgrade_bilateral(struct mhs_envelope *env)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->n_bilateral; i++) {
		struct ber_cursor c =
		    ber_cursor(env->bilateral[i], env->bilateral_n[i]);
		struct ber_tlv item, t;

		/* country, then the domain: a SEQUENCE when it is private */
		if (ber_next(&c, &item, NULL) != 1 ||
		    (c = ber_children(&item), ber_next(&c, &t, NULL)) != 1 ||
		    ber_next(&c, &t, NULL) != 1 ||
		    BER_IS(t.tag, BER_UNIVERSAL, BER_SEQUENCE))
			continue;
		env->bilateral[kept] = env->bilateral[i];
		env->bilateral_n[kept++] = env->bilateral_n[i];
	}
	env->n_bilateral = kept;
}

static void
downgrade_fields(struct arena *a, struct mhs_envelope *env)
{
	env->exts = (struct mhs_exts){0};
	env->reserved_bit = env->bit5_notification = false;
	env->bit6_service = env->bit7_service_message = false;
	downgrade_bilateral(env);
	downgrade_eits(a, &env->original_eits, &env->original_eits_n);
	env->n_trace = downgrade_trace(a, env->trace, env->n_trace);
}

/* NULL: good; else why not. */
static const char *
downgrade_recipient(
    struct arena *a, struct mhs_recipient *rcpt, const struct mhs_or *gateway)
{
	const struct mhs_ext *x = needed(&rcpt->exts);
	struct err e = ERR_INIT;

	if (x != NULL)
		return why_not(a, x);
	rcpt->exts = (struct mhs_exts){0};
	if (rcpt->name.ora == NULL)
		return "the recipient has no O/R name";
	rcpt->name.ora = p1_downgrade_or(a, rcpt->name.ora, gateway, &e);
	return rcpt->name.ora == NULL ? arena_strdup(a, e.text) : NULL;
}

static void
downgrade_recipients(struct arena *a, struct mhs_envelope *env,
    const struct mhs_or *gateway, struct p1_downgraded *out)
{
	size_t kept = 0, reached = 0;

	for (size_t i = 0; i < env->n_recipients; i++) {
		struct mhs_recipient *rcpt = &env->recipients[i];
		const char *why = downgrade_recipient(a, rcpt, gateway);

		if (why != NULL) {
			if (rcpt->responsible)
				fail(a, out, i, MHS_UNABLE_TO_DOWNGRADE, why);
			continue;
		}
		reached += rcpt->responsible;
		env->recipients[kept++] = *rcpt;
	}
	env->n_recipients = kept;
	out->env = reached > 0 ? env : NULL;
}

static void
downgrade_message(struct arena *a, const struct mhs_envelope *given,
    const struct mhs_or *gateway, struct p1_downgraded *out)
{
	const struct mhs_ext *x = needed(&given->exts);
	struct mhs_envelope *env = mhs_envelope_dup(a, given);
	struct err e = ERR_INIT;

	if (x != NULL) {
		fail_all(a, given, out, MHS_UNABLE_TO_DOWNGRADE, why_not(a, x));
		return;
	}
	if (given->content_oid != NULL ||
	    given->content_type == MHS_CONTENT_P772) {
		fail_all(a, given, out, MHS_CONTENT_TYPE_NOT_SUPPORTED,
		    "1984 has no content types by object identifier");
		return;
	}
	if (env->originator.ora != NULL)
		env->originator.ora =
		    p1_downgrade_or(a, env->originator.ora, gateway, &e);
	if (env->originator.ora == NULL) {
		fail_all(a, given, out, MHS_UNABLE_TO_DOWNGRADE,
		    arena_printf(a, "originator: %s", e.text));
		return;
	}
	if (env->content_type == MHS_CONTENT_P22) {
		/* a probe asks for what the message would become */
		out->content_to_p2 = env->kind == MHS_MESSAGE;
		if (env->kind == MHS_PROBE)
			env->content_type = MHS_CONTENT_P2;
	}
	downgrade_fields(a, env);
	downgrade_recipients(a, env, gateway, out);
}

/* --- reports --- */

/* What of an address 1984 has: the number says which recipient it was. */
static struct mhs_or *
stripped(struct arena *a, const struct mhs_or *ora)
{
	struct mhs_or *out = mhs_or_new(a);

	for (size_t i = 0; i < ora->n_attrs; i++) {
		const struct mhs_or_attr *at = &ora->attrs[i];

		if (at->type <= MHS_OR_UNIT4 &&
		    (at->form == MHS_OR_PRINTABLE ||
			at->form == MHS_OR_NUMERIC))
			mhs_or_add(
			    a, out, at->type, at->form, at->value, at->n, NULL);
	}
	return out;
}

static void
downgrade_reported_name(
    struct arena *a, struct mhs_name *name, const struct mhs_or *gateway)
{
	struct mhs_or *out;

	if (name->ora == NULL)
		return;
	out = p1_downgrade_or(a, name->ora, gateway, NULL);
	name->ora = out != NULL ? out : stripped(a, name->ora);
}

static void
downgrade_reported(struct arena *a, struct mhs_report_recipient *rr,
    const struct mhs_or *gateway)
{
	rr->exts = (struct mhs_exts){0};
	downgrade_reported_name(a, &rr->actual, gateway);
	downgrade_reported_name(a, &rr->intended, gateway);
	downgrade_eits(a, &rr->converted_eits, &rr->converted_eits_n);
	if (rr->user_type > USER_TYPE_MAX)
		rr->user_type = -1;
	if (rr->type == MHS_DELIVERED)
		return;
	if (rr->reason > REASON_MAX)
		rr->reason = MHS_UNABLE_TO_TRANSFER;
	if (rr->diagnostic <= DIAGNOSTIC_MAX)
		return;
	if (rr->supplementary == NULL || rr->supplementary[0] == '\0')
		rr->supplementary =
		    arena_strdup(a, mhs_diagnostic_name(rr->diagnostic));
	rr->diagnostic = MHS_DIAG_ABSENT;
}

static const struct mhs_ext *
needed_of_report(const struct mhs_envelope *env)
{
	const struct mhs_ext *x = needed(&env->exts);

	if (x == NULL)
		x = needed(&env->report->exts);
	for (size_t i = 0; x == NULL && i < env->report->n_recipients; i++)
		x = needed(&env->report->recipients[i].exts);
	return x;
}

static void
downgrade_report(struct arena *a, const struct mhs_envelope *given,
    const struct mhs_or *gateway, struct p1_downgraded *out)
{
	const struct mhs_ext *x = needed_of_report(given);
	struct mhs_envelope *env = mhs_envelope_dup(a, given);
	struct mhs_report *rep = env->report;
	const char *why = NULL;

	if (x != NULL)
		why = why_not(a, x);
	else if (env->n_recipients > 0)
		why = downgrade_recipient(a, &env->recipients[0], gateway);
	if (why != NULL) {
		fail(a, out, 0, MHS_UNABLE_TO_DOWNGRADE, why);
		return;
	}
	downgrade_fields(a, env);
	rep->exts = (struct mhs_exts){0};
	rep->content_type = MHS_CONTENT_NONE;
	rep->content_oid = NULL;
	rep->original_eits = NULL;
	rep->original_eits_n = 0;
	rep->n_subject_trace =
	    downgrade_trace(a, rep->subject_trace, rep->n_subject_trace);
	for (size_t i = 0; i < rep->n_recipients; i++)
		downgrade_reported(a, &rep->recipients[i], gateway);
	out->env = env;
}

void
p1_downgrade(struct arena *a, const struct mhs_envelope *env,
    const struct mhs_or *gateway, struct p1_downgraded *out)
{
	*out = (struct p1_downgraded){0};
	if (env->kind == MHS_REPORT)
		downgrade_report(a, env, gateway, out);
	else
		downgrade_message(a, env, gateway, out);
}
