/*
 * Remote operations as text: the APDUs of X.229 9 and of X.410 (1984).
 */
#include "ops/decode.h"
#include "osi/rose_codec.h"

static void
print_code(struct buf *out, const char *name, const struct rose_code *code)
{
	if (code->global != NULL)
		print_line(out, 1, name, "%s", code->global);
	else
		print_line(out, 1, name, "%d", (int)code->local);
}

static void
print_value(struct buf *out, const char *name, const struct octets *v)
{
	struct buf text = {0};

	if (v->n == 0)
		return;
	print_line(out, 1, name, "%zu octets", v->n);
	/* the codec has seen that it is BER */
	decode_ber(NULL, v->p, v->n, &text, NULL);
	print_block(out, 2, &text);
	buf_free(&text);
}

int
decode_rose(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	static const struct {
		const char *name, *code, *value;
	} kinds[] = {
	    [ROSE_ROIV] = {"ROIV (invoke)", "operation", "argument"},
	    [ROSE_RORS] = {"RORS (result)", "operation", "result"},
	    [ROSE_ROER] = {"ROER (error)", "error", "parameter"},
	    [ROSE_RORJ] = {"RORJ (reject)", "", ""},
	};
	static const char *const classes[] = {
	    "general", "invoke", "return-result", "return-error"};
	struct rose_apdu u;

	if (rose_apdu_decode(a, p, n, &u, e) < 0)
		return ERR_SYNTAX;
	print_line(out, 0, "ROSE", "%s", kinds[u.type].name);
	if (u.has_id)
		print_line(out, 1, "invoke-id", "%d", (int)u.id);
	if (u.has_linked)
		print_line(out, 1, "linked-id", "%d", (int)u.linked);
	if (u.type == ROSE_RORJ)
		print_line(out, 1, "problem", "%s: %s (%d)",
		    classes[u.problem_class % 4],
		    rose_problem_text(u.problem_class, u.problem), u.problem);
	if (u.type != ROSE_RORJ && (u.type != ROSE_RORS || u.has_code))
		print_code(out, kinds[u.type].code, &u.code);
	print_value(out, kinds[u.type].value, &u.value);
	return 0;
}
