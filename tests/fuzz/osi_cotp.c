/* Octets of a peer into a transport responder and initiator. */
#include "osi/cotp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
told(void *user, const struct cotp_event *ev)
{
	struct cotp **c = user;

	if (ev->type == COTP_CONNECT_IND)
		cotp_connect_accept(*c);
	else if (ev->type == COTP_DATA_IND)
		cotp_data_request(*c, ev->data, ev->n, ev->last);
}

static void
feed(enum osi_role role, size_t step, const uint8_t *p, size_t n)
{
	struct cotp_params params = {.role = role, .tpdu_size = 2048};
	struct cotp *c = NULL;

	c = cotp_new(&params, told, &c, 1);
	if (role == OSI_INITIATOR)
		cotp_connect_request(c);
	for (size_t at = 0; at < n; at += step)
		cotp_input(c, p + at, n - at < step ? n - at : step);
	cotp_closed(c, NULL);
	cotp_free(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct osi_sel sel;
	struct buf out = {0};

	feed(OSI_RESPONDER, 1, p, n);
	feed(OSI_RESPONDER, 4096, p, n);
	feed(OSI_INITIATOR, 7, p, n);
	if (cotp_peek_cr(p, n, &sel, NULL) == 1)
		cotp_refuse_cr(p, n, COTP_REASON_ADDRESS_UNKNOWN, &out);
	buf_free(&out);
	return 0;
}
