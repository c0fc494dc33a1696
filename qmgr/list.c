#include "qmgr/list.h"

#include <string.h>
#include <strings.h>

#include "mhs/diag.h"
#include "p1/ext.h"

/* --- permission --- */

static bool
in_domain(const char *mailbox, const char *domain)
{
	const char *at = strrchr(mailbox, '@');
	size_t n, m = strlen(domain);

	if (at == NULL)
		return false;
	if (strcmp(domain, "*") == 0 || strcasecmp(at + 1, domain) == 0)
		return true;
	n = strlen(at + 1);
	return *domain == '.' && n > m &&
	    strcasecmp(at + 1 + n - m, domain) == 0;
}

static bool
is_member(const struct q_list *l, const struct mhs_name *who)
{
	for (size_t i = 0; i < l->n_members; i++)
		if (mhs_name_equal(&l->members[i], who))
			return true;
	return false;
}

static bool
permits(const struct q_list *l, const struct q_list_permit *p,
    const struct mhs_name *who)
{
	if (p->member && is_member(l, who))
		return true;
	if (p->prefix != NULL && who->ora != NULL &&
	    mhs_or_match(who->ora, p->prefix) >= 0)
		return true;
	if (who->mailbox == NULL)
		return false;
	if (p->mailbox != NULL && strcasecmp(p->mailbox, who->mailbox) == 0)
		return true;
	return p->domain != NULL && in_domain(who->mailbox, p->domain);
}

static bool
may_submit(const struct q_list *l, const struct mhs_name *who)
{
	/* what came from <> is about mail, and no mail for a list */
	if (who->ora == NULL && (who->mailbox == NULL || *who->mailbox == '\0'))
		return false;
	for (size_t i = 0; i < l->n_permits; i++)
		if (permits(l, &l->permits[i], who))
			return true;
	return l->n_permits == 0;
}

static enum q_list_verdict
refuse(int32_t *to, int32_t diagnostic)
{
	*to = diagnostic;
	return Q_LIST_REFUSED;
}

enum q_list_verdict
q_list_judge(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *env, const struct mhs_recipient *r,
    int32_t *diagnostic)
{
	struct p1_history *v;
	size_t n = p1_ext_history(a, &env->exts, P1_EXT_DL_HISTORY, &v);

	(void)r;
	for (size_t i = 0; i < n; i++)
		if (mhs_name_equal(&v[i].name, &l->name))
			return Q_LIST_LOOP;
	if (p1_ext_flag(&env->exts, P1_EXT_DL_EXPANSION_PROHIBITED))
		return refuse(diagnostic, MHS_DL_EXPANSION_PROHIBITED);
	/* a list that has this one as a member stands for its sender */
	if (!may_submit(l, n > 0 ? &v[n - 1].name : &env->originator))
		return refuse(diagnostic, MHS_NO_DL_SUBMIT_PERMISSION);
	if (l->n_members == 0 || n >= Q_LIST_DEPTH_MAX)
		return refuse(diagnostic, MHS_DL_EXPANSION_FAILURE);
	return Q_LIST_GOOD;
}

/* --- expansion --- */

/* What members' MTAs are asked to report, by the list's policy. An originating
 * MTA's request cannot be less than non-delivery (X.411 12.2.1.1.1.4): the
 * list drops what comes of it. */
static void
set_requests(const struct q_list *l, struct mhs_recipient *m)
{
	m->orcpt = NULL;
	switch (l->reports) {
	case Q_LIST_REPORTS_ORIGINATOR: return;
	case Q_LIST_REPORTS_OWNER:
		m->originator_report = m->mta_report = MHS_REPORT_NDR;
		m->notify = MHS_NOTIFY_FAILURE;
		break;
	case Q_LIST_REPORTS_NONE:
		m->originator_report = MHS_REPORT_NONE;
		m->mta_report = MHS_REPORT_NDR;
		m->notify = MHS_NOTIFY_NEVER;
		break;
	}
	m->audit = false;
}

/* X.411 8.2.1.1.1.41: whom the originator leaves out, whatever list has them. */
struct exempted {
	struct mhs_name *v;
	size_t n;
};

static bool
is_exempted(const struct exempted *x, const struct mhs_name *member)
{
	for (size_t i = 0; i < x->n; i++)
		if (mhs_name_equal(&x->v[i], member))
			return true;
	return false;
}

static void
add_members(struct arena *a, const struct q_list *l,
    const struct mhs_recipient *r, struct mhs_envelope *out)
{
	struct mhs_recipient like = *r;
	struct exempted not = {0};

	/* these are about the list's own name */
	p1_ext_remove(a, &like.exts, P1_EXT_ORIGINATOR_ALTERNATE);
	p1_ext_remove(a, &like.exts, P1_EXT_REDIRECTION_HISTORY);
	set_requests(l, &like);
	like.responsible = true;
	like.peer = NULL;
	out->recipients = NULL;
	out->n_recipients = 0;
	not .n = p1_ext_names(a, &out->exts, P1_EXT_DL_EXEMPTED, &not .v);
	for (size_t i = 0; i < l->n_members; i++) {
		struct mhs_recipient *m;

		if (is_exempted(&not, &l->members[i]))
			continue;
		m = mhs_recipient_add(a, out);
		/* the number stays the list's: it was the one specified */
		*m = like;
		m->name = l->members[i];
	}
}

/* Internet mail has no history to send a report back along: who is to hear of
 * failures stands in the reverse-path (RFC 5321 3.9.2). */
static void
set_originator(const struct q_list *l, struct mhs_envelope *out)
{
	if (out->content_type != MHS_CONTENT_RFC822 ||
	    l->reports == Q_LIST_REPORTS_ORIGINATOR)
		return;
	out->originator = (struct mhs_name){.mailbox = ""};
	if (l->reports == Q_LIST_REPORTS_OWNER)
		out->originator = l->owner;
	out->envid = NULL;
}

struct mhs_envelope *
q_list_expand(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *env, const struct mhs_recipient *r, int64_t now,
    struct err *e)
{
	struct mhs_envelope *out = arena_memdup(a, env, sizeof(*env));
	struct p1_history *old, *v;
	size_t n = p1_ext_history(a, &env->exts, P1_EXT_DL_HISTORY, &old);

	v = arena_alloc(a, (n + 1) * sizeof(*v));
	if (n > 0)
		memcpy(v, old, n * sizeof(*v));
	v[n] = (struct p1_history){.name = {.ora = l->name.ora}, .time = now};
	if (p1_ext_set_history(a, &out->exts, P1_EXT_DL_HISTORY, v, n + 1, e) <
	    0)
		return NULL;
	add_members(a, l, r, out);
	set_originator(l, out);
	out->disclosure_of_other_recipients = false;
	out->parent = 0;
	out->settles = 0;
	out->arrival = now;
	out->source_channel = NULL;
	return out;
}

/* --- reports --- */

/* Who is before the list in originator-and-DL-expansion-history. */
static bool
before(const struct q_list *l, const struct p1_history *v, size_t n, size_t *at)
{
	for (size_t i = n; i > 1; i--) {
		if (!mhs_name_equal(&v[i - 1].name, &l->name))
			continue;
		*at = i - 2;
		return true;
	}
	return false;
}

static struct mhs_envelope *
redirect(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *report, const struct mhs_name *to, struct err *e)
{
	struct mhs_envelope *out = arena_memdup(a, report, sizeof(*report));
	struct mhs_recipient *r;

	if (p1_ext_set_or_name(
		a, &out->exts, P1_EXT_REPORTING_DL_NAME, &l->name, e) < 0)
		return NULL;
	out->recipients = NULL;
	out->n_recipients = 0;
	r = mhs_recipient_add(a, out);
	r->name = *to;
	r->number = 1;
	r->responsible = true;
	out->parent = 0;
	out->settles = 0;
	out->source_channel = NULL;
	return out;
}

struct mhs_envelope *
q_list_report(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *report, const char **why, struct err *e)
{
	struct p1_history *v;
	struct mhs_envelope *out;
	size_t n = p1_ext_history(
	    a, &report->exts, P1_EXT_ORIGINATOR_AND_DL_HISTORY, &v);
	size_t at;

	*why = NULL;
	if (l->reports == Q_LIST_REPORTS_NONE)
		*why = "the list passes no reports on";
	else if (!before(l, v, n, &at))
		*why = "the list has not expanded its subject";
	else if (l->reports == Q_LIST_REPORTS_OWNER)
		return redirect(a, l, report, &l->owner, e);
	if (*why != NULL)
		return NULL;
	out = redirect(a, l, report, &v[at].name, e);
	return out;
}
