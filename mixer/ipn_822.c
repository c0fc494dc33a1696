/*
 * Interpersonal notification -> RFC 822 message (RFC 2156 5.3.5).
 */
#include "mixer/internal.h"

#include <string.h>

static const char *const discard_reasons[] = {
    "Expired", "Obsoleted", "User Subscription Terminated"};

static void
put_mailbox(struct mixer_conv *cv, const char *name,
    const struct ipm_or_desc *d, struct buf *out)
{
	if (d != NULL)
		mixer_field_put(out, name, mixer_desc_mailbox(cv, d));
}

static void
put_receipt(struct mixer_conv *cv, const struct ipn *n, struct buf *out)
{
	struct mixer_date d;

	if (n->receipt_time != NULL && mixer_date_from_utc(n->receipt_time, &d))
		buf_printf(out, "was received at %s\r\n\r\n",
		    mixer_date_822(cv->a, &d));
	buf_printf(out, "This notification was generated %s\r\n",
	    n->acknowledgment_mode == 1 ? "Automatically" : "Manually");
	if (n->suppl_receipt_info != NULL)
		buf_printf(out,
		    "The following extra information was given:\r\n%s\r\n",
		    mixer_one_line(cv->a, n->suppl_receipt_info));
}

static void
put_non_receipt(struct mixer_conv *cv, const struct ipn *n, struct buf *out)
{
	int v = n->discard_reason;

	if (n->non_receipt_reason != 1) {
		buf_printf(out,
		    "was discarded for the following reason: %s\r\n",
		    v >= 0 && v < 3 ? discard_reasons[v] : "IPM Deleted");
		return;
	}
	buf_puts(out, "was automatically forwarded.\r\n");
	if (n->auto_forward_comment != NULL)
		buf_printf(out, "The following comment was made: %s\r\n",
		    mixer_one_line(cv->a, n->auto_forward_comment));
}

static void
put_text(struct mixer_conv *cv, const struct ipn *n, struct buf *out)
{
	const struct ipm_or_desc *to = n->preferred_recipient != NULL
	    ? n->preferred_recipient
	    : n->originator;
	struct mixer_eits eits;

	buf_printf(out, "Your message to: %s\r\n",
	    to != NULL ? mixer_desc_mailbox(cv, to) : "(not said)");
	if (n->receipt)
		put_receipt(cv, n, out);
	else if (!n->other)
		put_non_receipt(cv, n, out);
	else
		buf_puts(out, "was noticed in another way.\r\n");
	if (n->conversion_eits.p != NULL &&
	    mixer_eits_decode(cv->a, n->conversion_eits.p, n->conversion_eits.n,
		&eits, NULL) == 0)
		buf_printf(out,
		    "The following information types were converted: %s\r\n",
		    mixer_eits_text(cv->a, &eits));
	if (!n->receipt && !n->other)
		buf_printf(out, "\r\nThe Original Message %s\r\n",
		    n->returned_ipm != NULL ? "follows:" : "is not available");
}

static void
note_losses(struct mixer_conv *cv, const struct ipm_exts *x, struct buf *out)
{
	struct mixer_eits list = {0};

	for (size_t i = 0; i < x->n; i++) {
		mixer_eits_add_oid(cv->a, &list, x->v[i].oid);
		mixer_lose(cv,
		    arena_printf(
			cv->a, "notification extension %s", x->v[i].oid),
		    "no equivalent");
	}
	if (list.n_oids > 0)
		mixer_field_put(out, "Discarded-X400-IPMS-Extensions",
		    mixer_eits_text(cv->a, &list));
}

int
mixer_ipn_to_822(struct mixer_conv *cv, const struct ipn *n, struct buf *out)
{
	struct buf text = {0}, original = {0};
	const char *boundary;
	int r = 0;

	put_mailbox(cv, "From", n->originator, out);
	mixer_field_put(out, "Subject",
	    n->receipt || n->other
		? "X.400 Inter-Personal Notification"
		: "X.400 Inter-Personal Notification (failure)");
	mixer_field_put(out, "Message-Type", "InterPersonal Notification");
	mixer_field_put(
	    out, "References", mixer_ipm_to_msgid(cv, &n->subject_ipm, true));
	note_losses(cv, &n->exts, out);
	note_losses(cv, &n->choice_exts, out);
	buf_puts(out, "MIME-Version: 1.0\r\n");
	put_text(cv, n, &text);
	if (n->returned_ipm == NULL) {
		buf_puts(out,
		    "Content-Type: text/plain; charset=us-ascii\r\n"
		    "\r\n");
		buf_append(out, text.data, text.len);
	} else {
		cv->depth++;
		r = mixer_ipm_to_822(cv, n->returned_ipm, &original);
		cv->depth--;
		boundary = mixer_boundary(cv, &original);
		buf_printf(out,
		    "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n"
		    "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
		    "\r\n",
		    boundary, boundary);
		buf_append(out, text.data, text.len);
		buf_printf(out,
		    "\r\n--%s\r\nContent-Type: message/rfc822\r\n\r\n",
		    boundary);
		buf_append(out, original.data, original.len);
		buf_printf(out, "\r\n--%s--\r\n", boundary);
	}
	buf_free(&text);
	buf_free(&original);
	return r;
}
