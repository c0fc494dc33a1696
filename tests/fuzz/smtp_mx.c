/*
 * Address literals; and the search for servers, whose questions the input
 * answers: an octet for the kind of answer, then its data.
 */
#include <stdlib.h>
#include <string.h>

#include "smtp/mx.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t
next(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

static void
answer(struct input *in, struct smtp_mx *m, const struct smtp_mx_question *q,
    struct arena *a)
{
	static const char *const names[] = {
	    "a.example", "b.example", "us.example", ""};
	uint8_t kind = next(in);
	struct dns_record v[4] = {0};
	struct dns_answer answer = {
	    .status = kind % 8,
	    .secure = kind & 8,
	    .name = q->name,
	    .canonical = kind & 16 ? "b.example" : q->name,
	    .v = v,
	};

	if (answer.status == DNS_FOUND)
		answer.n = 1 + kind / 64;
	for (size_t i = 0; i < answer.n; i++) {
		size_t take = next(in) % 40;

		take = take < in->n ? take : in->n;
		if (dns_rdata_parse(a, q->type, in->p, take, &v[i], NULL) < 0) {
			v[i] = (struct dns_record){.type = q->type};
			if (q->type == DNS_MX)
				v[i].mx.host = names[take % 4];
		}
		in->p += take;
		in->n -= take;
	}
	smtp_mx_answer(m, q->id, &answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const own[] = {"us.example"};
	const struct smtp_mx_params params = {
	    .own = own, .n_own = 1, .dane = true};
	struct input in = {p, n};
	struct arena *a = arena_new();
	char *text = arena_strndup(a, (const char *)p, n);
	struct smtp_mx *m =
	    smtp_mx_new(&params, n > 0 && p[0] == '[' ? text : "d.example");
	struct smtp_mx_question q;
	const struct smtp_mx_result *r;

	while (smtp_mx_ask(m, &q))
		answer(&in, m, &q, a);
	r = smtp_mx_result(m);
	if (r == NULL || (r->outcome == SMTP_MX_OK) != (r->n_targets > 0))
		abort();
	for (size_t i = 0; i < r->n_targets; i++)
		if (dns_name_equal(r->targets[i].host->name, "us.example"))
			abort();
	smtp_mx_free(&m);
	arena_free(&a);
	return 0;
}
