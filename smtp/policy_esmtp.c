/*
 * A listener's extensions and defences: which keywords EHLO lists, who may do
 * what needs trust, and whose word about others is taken.
 */
#include <string.h>

#include "smtp/policy.h"

#define HOLD_DEFAULT (7 * 86400000LL) /* of submission */

/* Of two words the first is the default: false. */
static int
read_switch(const struct conf_node *n, const char *attr, const char *off,
    const char *on, bool *out, struct err *e)
{
	const char *text = conf_str(n, attr, off);

	*out = strcmp(text, on) == 0;
	return *out || strcmp(text, off) == 0
	    ? 0
	    : conf_error(
		  n, e, "%s: \"%.40s\" is none of its words", attr, text);
}

static int
read_who(const struct conf_node *n, const char *attr,
    struct smtp_policy_who *out, struct err *e)
{
	const char *text = conf_str(n, attr, "none");
	bool all = strcmp(text, "all") == 0;

	out->clients = all || strcmp(text, "clients") == 0;
	out->authenticated = all || strcmp(text, "authenticated") == 0;
	return out->clients || out->authenticated || strcmp(text, "none") == 0
	    ? 0
	    : conf_error(
		  n, e, "%s: \"%.40s\" is none of its words", attr, text);
}

/* Keywords with blanks between them that EHLO does not list. */
static int
read_without(struct smtp_policy *p, const struct conf_node *n, struct err *e)
{
	const char *text = conf_str(n, "without", "");
	char word[32];
	unsigned bit;
	size_t length;

	p->params.extensions = SMTP_EXT_ALL;
	for (text += strspn(text, " "); *text != '\0';
	     text += strspn(text, " ")) {
		length = strcspn(text, " ");
		bit = 0;
		if (length < sizeof(word)) {
			memcpy(word, text, length);
			word[length] = '\0';
			bit = smtp_server_extension(word);
		}
		if (bit == 0)
			return conf_error(n, e,
			    "without: \"%.20s\" is no extension that can be "
			    "left out",
			    text);
		p->params.extensions &= ~bit;
		text += length;
	}
	return 0;
}

static int
read_times(struct smtp_policy *p, const struct conf_node *n, struct err *e)
{
	msec_t least, most;

	if (conf_duration(n, "min-deliver-by", 0, &least, e) < 0 ||
	    conf_duration(
		n, "max-hold", p->submission ? HOLD_DEFAULT : 0, &most, e) < 0)
		return ERR_CONFIG;
	if (most > 0 && !p->submission)
		return conf_error(n, e,
		    "max-hold: FUTURERELEASE is for protocol=\"submission\"");
	p->params.deliver_by_min = least / 1000;
	p->params.future_release_max = most / 1000;
	return 0;
}

static int
read_priorities(struct smtp_policy *p, const struct conf_node *n, struct err *e)
{
	const char *name = conf_str(n, "priority-profile", "none");
	int profile = smtp_priority_profile_parse(name);

	if (profile < 0)
		return conf_error(n, e,
		    "priority-profile: \"%.40s\" is none of its words", name);
	p->profile = (enum smtp_priority_profile)profile;
	p->params.priority_profile = smtp_priority_profile_name(p->profile);
	return read_who(n, "raise-priority", &p->raise_priority, e);
}

static int
read_clients(struct smtp_access *x, const struct conf_node *n,
    const char *element, struct err *e)
{
	const struct conf_node *c = conf_child(n, element);

	for (; c != NULL; c = conf_next(n, element, c))
		if (smtp_access_add_network(x, conf_str(c, "client", ""), e) <
		    0)
			return conf_error(c, e, "client: \"%s\" is no network",
			    conf_str(c, "client", ""));
	return 0;
}

static int
read_no_mail(
    struct smtp_access *x, const struct conf_node *smtpd, struct err *e)
{
	const struct conf_node *c = conf_child(smtpd, "no-mail");

	for (; c != NULL; c = conf_next(smtpd, "no-mail", c))
		if (smtp_access_add_domain(x, conf_str(c, "domain", ""), e) < 0)
			return conf_error(c, e, "domain: \"%s\" is no domain",
			    conf_str(c, "domain", ""));
	return 0;
}

int
smtp_policy_read_esmtp(struct smtp_policy *p, struct arena *a,
    const struct conf_node *smtpd, const struct conf_node *n, struct err *e)
{
	p->xclient = smtp_access_new(a);
	p->proxies = smtp_access_new(a);
	p->no_mail = smtp_access_new(a);
	if (read_switch(n, "line-endings", "strict", "repair",
		&p->params.repair_lines, e) < 0 ||
	    read_without(p, n, e) < 0 || read_times(p, n, e) < 0 ||
	    read_priorities(p, n, e) < 0 ||
	    read_who(n, "vrfy", &p->vrfy, e) < 0 ||
	    read_who(n, "expn", &p->expn, e) < 0 ||
	    read_clients(p->xclient, n, "xclient", e) < 0 ||
	    read_clients(p->proxies, n, "proxy", e) < 0)
		return ERR_CONFIG;
	return read_no_mail(p->no_mail, smtpd, e);
}
