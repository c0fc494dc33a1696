/*
 * Reading <redirect>, <alternate> and <list>: names that stand for others.
 */
#include <string.h>
#include <strings.h>

#include "qmgr/config_own.h"

static const struct {
	const char *word;
	enum p1_redirection_reason reason;
} reasons[] = {
    {"recipient-assigned", P1_RECIPIENT_ASSIGNED_ALTERNATE},
    {"recipient-md", P1_RECIPIENT_MD_ASSIGNED_ALTERNATE},
    {"alias", P1_ALIAS},
    {"directory", P1_DIRECTORY_LOOK_UP},
};

/* An attribute that is a whole O/R address or a mailbox: "/" begins the
 * former. */
static struct mhs_name
name(struct q_reading *r, const struct conf_node *n, const char *attr,
    const char *text)
{
	struct mhs_name x = {0};
	struct err e = ERR_INIT;
	const char *at = strrchr(text, '@');

	if (*text == '/') {
		x.ora = mhs_or_parse(r->c->arena, text, &e);
		if (x.ora == NULL)
			q_complain(r, n, "%s: %s", attr, e.text);
	} else if (at == NULL || at == text || at[1] == '\0') {
		q_complain(r, n,
		    "%s: \"%s\" is neither an O/R address nor a mail address",
		    attr, text);
	} else {
		x.mailbox = text;
	}
	return x;
}

static struct mhs_name
required_name(struct q_reading *r, const struct conf_node *n, const char *attr)
{
	const char *text = q_required(r, n, attr);

	return *text != '\0' ? name(r, n, attr, text) : (struct mhs_name){0};
}

/* Adds by whichever of or and mailbox is there; `both`: they may be there
 * together. */
static void
add_names(struct q_reading *r, const struct conf_node *n, struct q_routes *to,
    const void *what)
{
	const char *ora = conf_str(n, "or", NULL);
	const char *mailbox = conf_str(n, "mailbox", NULL);
	struct err e = ERR_INIT;

	if (ora == NULL && mailbox == NULL)
		q_complain(r, n, "needs or or mailbox");
	if (ora != NULL && q_routes_add_or(to, ora, what, &e) != 0)
		q_complain(r, n, "or: %s", e.text);
	if (mailbox != NULL && q_routes_add_mailbox(to, mailbox, what, &e) != 0)
		q_complain(r, n, "mailbox: %s", e.text);
}

static enum p1_redirection_reason
read_reason(struct q_reading *r, const struct conf_node *n)
{
	const char *word = conf_str(n, "reason", reasons[0].word);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reasons[i].word, word) == 0)
			return reasons[i].reason;
	q_complain(r, n,
	    "reason: none of recipient-assigned, recipient-md, alias, "
	    "directory");
	return reasons[0].reason;
}

void
q_config_read_redirects(struct q_reading *r)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(r->c->root, "redirect", n)) != NULL) {
		struct q_redirect *x =
		    ARENA_NEW(r->c->arena, struct q_redirect);

		x->to = required_name(r, n, "to");
		x->reason = read_reason(r, n);
		add_names(r, n, r->c->redirects, x);
	}
}

/* X.411 14.3.4: assigned by the recipient's management domain, if the
 * originator allowed it. */
void
q_config_read_alternates(struct q_reading *r)
{
	const struct conf_node *n = NULL;
	struct err e = ERR_INIT;

	while ((n = conf_next(r->c->root, "alternate", n)) != NULL) {
		struct q_redirect *x =
		    ARENA_NEW(r->c->arena, struct q_redirect);
		const char *ora = q_required(r, n, "or");

		x->to = required_name(r, n, "to");
		x->reason = P1_RECIPIENT_MD_ASSIGNED_ALTERNATE;
		if (*ora != '\0' &&
		    q_routes_add_or(r->c->alternates, ora, x, &e) != 0)
			q_complain(r, n, "or: %s", e.text);
	}
}

/* --- lists --- */

static void
read_permits(
    struct q_reading *r, const struct conf_node *list, struct q_list *l)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(list, "permit", n)) != NULL) {
		const char *ora = conf_str(n, "or", NULL);
		struct q_list_permit *p = arena_push(
		    r->c->arena, &l->permits, &l->n_permits, sizeof(*p));
		struct err e = ERR_INIT;

		p->domain = conf_str(n, "domain", NULL);
		p->mailbox = conf_str(n, "mailbox", NULL);
		if (conf_bool(n, "member", false, &p->member, &e) != 0)
			q_complain(r, n, "member: neither true nor false");
		if (ora != NULL) {
			p->prefix = mhs_or_parse_prefix(r->c->arena, ora, &e);
			if (p->prefix == NULL)
				q_complain(r, n, "or: %s", e.text);
		} else if (p->domain == NULL && p->mailbox == NULL &&
		    !p->member) {
			q_complain(
			    r, n, "needs one of or, mailbox, domain, member");
		}
	}
}

static void
read_members(
    struct q_reading *r, const struct conf_node *list, struct q_list *l)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(list, "member", n)) != NULL) {
		const char *ora = conf_str(n, "or", NULL);
		const char *mailbox = conf_str(n, "mailbox", NULL);
		struct mhs_name *m = arena_push(
		    r->c->arena, &l->members, &l->n_members, sizeof(*m));

		if (ora == NULL && mailbox == NULL)
			q_complain(r, n, "needs or or mailbox");
		if (ora != NULL)
			m->ora = name(r, n, "or", ora).ora;
		if (mailbox != NULL)
			m->mailbox = name(r, n, "mailbox", mailbox).mailbox;
	}
	if (l->n_members > MHS_RECIPIENTS_MAX)
		q_complain(r, list, "%zu members, at most %d", l->n_members,
		    MHS_RECIPIENTS_MAX);
}

static enum q_list_reports
read_policy(struct q_reading *r, const struct conf_node *n)
{
	static const char *const words[] = {
	    [Q_LIST_REPORTS_ORIGINATOR] = "originator",
	    [Q_LIST_REPORTS_OWNER] = "owner",
	    [Q_LIST_REPORTS_NONE] = "none"};
	const char *word = conf_str(n, "reports", words[0]);

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum q_list_reports)i;
	q_complain(r, n, "reports: none of originator, owner, none");
	return Q_LIST_REPORTS_NONE;
}

static struct q_list *
read_list(struct q_reading *r, const struct conf_node *n)
{
	struct q_list *l = ARENA_NEW(r->c->arena, struct q_list);
	const char *owner = conf_str(n, "owner", NULL);

	/* the history of an expansion holds O/R names only */
	l->name.ora = required_name(r, n, "or").ora;
	if (l->name.ora == NULL)
		return NULL;
	l->name.mailbox = conf_str(n, "mailbox", NULL);
	l->reports = read_policy(r, n);
	if (owner != NULL)
		l->owner = name(r, n, "owner", owner);
	else if (l->reports == Q_LIST_REPORTS_OWNER)
		q_complain(r, n, "reports to an owner: owner is missing");
	read_permits(r, n, l);
	read_members(r, n, l);
	add_names(r, n, r->c->lists, l);
	return l;
}

void
q_config_read_lists(struct q_reading *r)
{
	const struct conf_node *n = NULL;
	struct listed {
		const struct conf_node *node;
		struct q_list *list;
	} *v = NULL;
	size_t n_v = 0;

	while ((n = conf_next(r->c->root, "list", n)) != NULL) {
		struct q_list *l = read_list(r, n);

		if (l != NULL)
			*(struct listed *)arena_push(r->c->arena, &v, &n_v,
			    sizeof(*v)) = (struct listed){n, l};
	}
	/* reports to an owner must not come back to a list */
	for (size_t i = 0; i < n_v; i++)
		if (q_config_list(r->c, &v[i].list->owner) != NULL)
			q_complain(r, v[i].node, "owner: \"%s\" is a list",
			    conf_str(v[i].node, "owner", ""));
}

const struct q_list *
q_config_list(const struct q_config *c, const struct mhs_name *name)
{
	const struct q_list *l = q_route(c->lists, name);

	if (l == NULL)
		return NULL;
	/* the table has prefixes, and what lies below a list is none */
	if (name->ora != NULL && mhs_or_equal(l->name.ora, name->ora))
		return l;
	return name->mailbox != NULL && l->name.mailbox != NULL &&
		strcasecmp(name->mailbox, l->name.mailbox) == 0
	    ? l
	    : NULL;
}
