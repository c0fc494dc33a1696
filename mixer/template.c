#include "mixer/template.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mhs/utf8_addr.h"

#define LAYER "template"
#define LANGUAGE_MAX 35
#define SECTIONS_MAX 256

struct section {
	enum mixer_kind kind;
	char language[LANGUAGE_MAX + 1]; /* "" */
	const char *text;                /* of the template's copy */
	size_t n;
};

struct mixer_template {
	struct section *v;
	size_t n;
};

static const char *const kinds[N_MIXER_TEXT] = {
    [MIXER_TEXT_INTRO] = "intro",
    [MIXER_TEXT_DELIVERED] = "delivered",
    [MIXER_TEXT_RELAYED] = "relayed",
    [MIXER_TEXT_EXPANDED] = "expanded",
    [MIXER_TEXT_DELAYED] = "delayed",
    [MIXER_TEXT_FAILED] = "failed",
    [MIXER_TEXT_CLOSING] = "closing",
};

static const char *const variables[N_MIXER_VAR] = {
    [MIXER_VAR_SUBJECT] = "subject",
    [MIXER_VAR_SENT] = "sent",
    [MIXER_VAR_RECIPIENT] = "recipient",
    [MIXER_VAR_TIME] = "time",
    [MIXER_VAR_UNTIL] = "until",
    [MIXER_VAR_STATUS] = "status",
    [MIXER_VAR_STATUS_TEXT] = "status-text",
    [MIXER_VAR_REASON] = "reason",
    [MIXER_VAR_DIAGNOSTIC] = "diagnostic",
    [MIXER_VAR_DETAIL] = "detail",
    [MIXER_VAR_REMOTE] = "remote",
    [MIXER_VAR_RETURNED] = "returned",
    [MIXER_VAR_HOST] = "host",
    [MIXER_VAR_POSTMASTER] = "postmaster",
};

static const char *const built_in[N_MIXER_TEXT] = {
    [MIXER_TEXT_INTRO] = "This report relates to your message:\n"
			 "        ${subject}\n"
			 "        of ${sent}\n\n",
    [MIXER_TEXT_DELIVERED] = "Your message was successfully delivered to:\n"
			     "        ${recipient}\n        at ${time}\n\n",
    [MIXER_TEXT_RELAYED] =
	"Your message was passed on to a mail system that gives no delivery\n"
	"reports, for:\n        ${recipient}\n        at ${time}\n\n",
    [MIXER_TEXT_EXPANDED] =
	"Your message was delivered to a list, and passed on to its members:\n"
	"        ${recipient}\n        at ${time}\n\n",
    [MIXER_TEXT_DELAYED] = "Your message could not be delivered yet to:\n"
			   "        ${recipient}\nIt is tried until ${until};\n"
			   "you need not send it again.\n\n",
    [MIXER_TEXT_FAILED] = "Your message was not delivered to:\n"
			  "        ${recipient}\n"
			  "for the following reason:\n"
			  "        ${status-text}\n"
			  "        ${reason}: ${diagnostic}\n"
			  "        ${detail}\n\n",
    [MIXER_TEXT_CLOSING] = "The Original Message ${returned}\n",
};

/* --- reading --- */

static int
word_of(const char *const *words, int n, const char *s, size_t length)
{
	for (int i = 0; i < n; i++)
		if (strlen(words[i]) == length &&
		    strncmp(words[i], s, length) == 0)
			return i;
	return -1;
}

/* The variable at s, "${name}": its number and length; -1: unknown. */
static int
variable_at(const char *s, size_t n, size_t *length)
{
	const char *end = memchr(s, '}', n);

	*length = 2;
	if (end == NULL)
		return -1;
	*length = (size_t)(end - s) + 1;
	return word_of(variables, N_MIXER_VAR, s + 2, *length - 3);
}

static int
check_variables(const char *s, size_t n, unsigned line, struct err *e)
{
	size_t length;

	for (size_t i = 0; i + 1 < n; i++)
		if (s[i] == '$' && s[i + 1] == '{' &&
		    variable_at(s + i, n - i, &length) < 0)
			return err_set(e, LAYER, ERR_SYNTAX,
			    "line %u: \"%.*s\" is no variable", line,
			    (int)(length < 40 ? length : 40), s + i);
	return 0;
}

static int
add_section(struct arena *a, struct mixer_template *t, const char *s, size_t n,
    unsigned line, struct err *e)
{
	const char *dot = memchr(s, '.', n);
	size_t length = dot != NULL ? (size_t)(dot - s) : n;
	size_t tag = dot != NULL ? n - length - 1 : 0;
	int kind = word_of(kinds, N_MIXER_TEXT, s, length);
	struct section *x;

	if (kind < 0 || (dot != NULL && tag == 0) || tag > LANGUAGE_MAX)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "line %u: [%.*s] is no kind of text", line,
		    (int)(n < 40 ? n : 40), s);
	if (t->n == SECTIONS_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "line %u: more than %d sections", line, SECTIONS_MAX);
	x = arena_push(a, &t->v, &t->n, sizeof(*x));
	*x = (struct section){.kind = (enum mixer_kind)kind};
	memcpy(x->language, s + n - tag, tag);
	return 0;
}

static int
take_line(struct arena *a, struct mixer_template *t, const char *s, size_t n,
    size_t whole, unsigned line, struct err *e)
{
	struct section *x;

	if (n > 1 && s[0] == '[' && s[n - 1] == ']')
		return add_section(a, t, s + 1, n - 2, line, e);
	if (t->n == 0) {
		if (n == 0 || s[0] == '#')
			return 0;
		return err_set(e, LAYER, ERR_SYNTAX,
		    "line %u: text before the first section", line);
	}
	x = &t->v[t->n - 1];
	if (x->text == NULL)
		x->text = s;
	x->n += whole;
	return check_variables(s, n, line, e);
}

int
mixer_template_parse(struct arena *a, const char *text, size_t n,
    struct mixer_template **out, struct err *e)
{
	struct mixer_template *t = ARENA_NEW(a, struct mixer_template);
	const char *copy = arena_strndup(a, text, n);
	unsigned line = 1;
	size_t whole;
	int rc;

	if (memchr(text, '\0', n) != NULL || !mhs_utf8_valid(text, n))
		return err_set(e, LAYER, ERR_SYNTAX, "no text in UTF-8");
	for (size_t at = 0; at < n; at += whole, line++) {
		const char *lf = memchr(copy + at, '\n', n - at);
		size_t length = lf != NULL ? (size_t)(lf - copy) - at : n - at;

		whole = length + (lf != NULL);
		if (length > 0 && copy[at + length - 1] == '\r')
			length--;
		rc = take_line(a, t, copy + at, length, whole, line, e);
		if (rc < 0)
			return rc;
	}
	*out = t;
	return 0;
}

int
mixer_template_load(struct arena *a, const char *path,
    struct mixer_template **out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = arena_alloc(a, MIXER_TEMPLATE_MAX + 1);
	size_t n = 0;
	ssize_t r = 0;
	int rc;

	if (fd < 0)
		return err_sys(e, LAYER, "%s", path);
	while (n <= MIXER_TEMPLATE_MAX &&
	    (r = read(fd, text + n, MIXER_TEMPLATE_MAX + 1 - n)) > 0)
		n += (size_t)r;
	if (r < 0)
		rc = err_sys(e, LAYER, "%s", path);
	else if (n > MIXER_TEMPLATE_MAX)
		rc = err_set(e, LAYER, ERR_LIMIT, "%s: more than %d octets",
		    path, MIXER_TEMPLATE_MAX);
	else if ((rc = mixer_template_parse(a, text, n, out, e)) < 0)
		err_prefix(e, "%s", path);
	close(fd);
	return rc;
}

/* --- writing --- */

/* A language range of RFC 4647 3.3.1: "de" is for "de-CH", too. */
static const struct section *
find(const struct mixer_template *t, enum mixer_kind kind, const char *range,
    size_t n)
{
	for (size_t i = 0; t != NULL && i < t->n; i++) {
		const struct section *x = &t->v[i];
		size_t length = strlen(x->language);

		if (x->kind == kind && length <= n &&
		    (n == length || (length > 0 && range[length] == '-')) &&
		    strncasecmp(x->language, range, length) == 0)
			return x;
	}
	return NULL;
}

static struct section
choose(
    const struct mixer_template *t, enum mixer_kind kind, const char *languages)
{
	const struct section *x = NULL;
	const char *s = languages != NULL ? languages : "";

	for (s += strspn(s, " ,\t"); *s != '\0' && x == NULL;
	     s += strspn(s, " ,\t")) {
		size_t n = strcspn(s, " ,;\t");

		if (n > 0)
			x = find(t, kind, s, n);
		s += strcspn(s, ",");
	}
	if (x == NULL)
		x = find(t, kind, "", 0);
	return x != NULL ? *x
			 : (struct section){.text = built_in[kind],
			       .n = strlen(built_in[kind])};
}

/* One line with the i'th line of each value. Returns false without any. */
static bool
put_line(const char *s, size_t n, const char *const vars[N_MIXER_VAR],
    unsigned i, struct buf *out)
{
	size_t before = out->len, length, at = 0;
	bool more = i == 0;

	while (at < n) {
		int v = s[at] == '$' && at + 1 < n && s[at + 1] == '{'
		    ? variable_at(s + at, n - at, &length)
		    : -1;
		const char *value = v >= 0 ? vars[v] : NULL;

		if (v < 0) {
			buf_putc(out, (uint8_t)s[at++]);
			continue;
		}
		at += length;
		for (unsigned k = 0; value != NULL && k < i; k++) {
			const char *lf = strchr(value, '\n');

			/* a value of one line is there in each */
			if (lf == NULL)
				break;
			value = lf + 1;
			more |= k + 1 == i;
		}
		if (value == NULL || *value == '\0') {
			out->len = before;
			return false;
		}
		buf_append(out, value, strcspn(value, "\n"));
	}
	if (!more) {
		out->len = before;
		return false;
	}
	buf_append(out, "\r\n", 2);
	return true;
}

void
mixer_template_put(const struct mixer_template *t, enum mixer_kind kind,
    const char *languages, const char *const vars[N_MIXER_VAR], struct buf *out)
{
	struct section x = choose(t, kind, languages);
	size_t whole;

	for (size_t at = 0; at < x.n; at += whole) {
		const char *s = x.text + at, *lf = memchr(s, '\n', x.n - at);
		size_t n = lf != NULL ? (size_t)(lf - s) : x.n - at;

		whole = n + (lf != NULL);
		if (n > 0 && s[n - 1] == '\r')
			n--;
		for (unsigned i = 0; put_line(s, n, vars, i, out); i++)
			;
	}
}
