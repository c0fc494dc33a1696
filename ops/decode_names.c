/*
 * What numbers in TPDUs, SPDUs and PPDUs mean, in the words of X.224, X.225 and
 * X.226.
 */
#include "ops/decode_osi.h"
#include "osi/pres_codec.h"
#include "osi/rtse_codec.h"

struct name {
	int v;
	const char *text;
};

static const struct name reject_causes[] = {
    {0, "reason not specified"},
    {1, "invalid parameter code"},
    {2, "invalid TPDU type"},
    {3, "invalid parameter value"},
    {-1, NULL},
};

static const struct name minor_types[] = {
    {0, "explicit confirmation required"},
    {1, "explicit confirmation optional"},
    {-1, NULL},
};

static const struct name major_types[] = {
    {0, "activity end"},
    {1, "major synchronization point"},
    {-1, NULL},
};

static const struct name tokens[] = {
    {0x01, "data"},
    {0x04, "synchronize-minor"},
    {0x10, "major/activity"},
    {0x40, "release"},
    {-1, NULL},
};

static const struct name transport_disconnects[] = {
    {0x01, "transport connection is released"},
    {0x02, "user abort"},
    {0x04, "protocol error"},
    {0x08, "no reason"},
    {0x10, "implementation restriction"},
    {-1, NULL},
};

static const struct name enclosures[] = {
    {SPDU_BEGIN, "beginning"},
    {SPDU_END, "end"},
    {-1, NULL},
};

static const struct name overflows[] = {
    {0x01, "more than 10240 octets of user data"},
    {-1, NULL},
};

static const struct name versions[] = {
    {0x01, "version 1"},
    {0x02, "version 2"},
    {-1, NULL},
};

static const struct name rtorj_reasons[] = {
    {RTSE_REFUSE_BUSY, "rts-busy"},
    {RTSE_REFUSE_CANNOT_RECOVER, "cannot-recover"},
    {RTSE_REFUSE_VALIDATION_FAILURE, "validation-failure"},
    {RTSE_REFUSE_DIALOGUE_MODE, "unacceptable-dialogue-mode"},
    {-1, NULL},
};

static const struct name refusals[] = {
    {SES_REFUSE_USER, "rejected by the called user"},
    {SES_REFUSE_CONGESTION, "temporary congestion of the called user"},
    {SES_REFUSE_USER_DATA, "rejected by the called user, with user data"},
    {SES_REFUSE_SSEL_UNKNOWN, "session selector unknown"},
    {SES_REFUSE_NOT_ATTACHED, "user not attached to SSAP"},
    {SES_REFUSE_SPM_CONGESTION, "SPM congestion"},
    {SES_REFUSE_VERSION, "proposed protocol versions not supported"},
    {SES_REFUSE_SPM, "rejected by the SPM"},
    {SES_REFUSE_IMPLEMENTATION, "implementation restriction"},
    {-1, NULL},
};

static const struct name reasons[] = {
    {SES_REASON_NON_SPECIFIC, "no specific reason"},
    {SES_REASON_RECEIVING_ABILITY, "user receiving ability jeopardized"},
    {SES_REASON_SEQUENCE, "user sequence error"},
    {SES_REASON_LOCAL_ERROR, "local user error"},
    {SES_REASON_UNRECOVERABLE, "unrecoverable procedural error"},
    {SES_REASON_DEMAND_TOKEN, "demand data token"},
    {-1, NULL},
};

static const struct name aborts[] = {
    {PRES_ABORT_NOT_SPECIFIED, "reason-not-specified"},
    {PRES_ABORT_UNRECOGNIZED_PPDU, "unrecognized-ppdu"},
    {PRES_ABORT_UNEXPECTED_PPDU, "unexpected-ppdu"},
    {PRES_ABORT_UNEXPECTED_PRIMITIVE, "unexpected-session-service-primitive"},
    {PRES_ABORT_UNRECOGNIZED_PARAMETER, "unrecognized-ppdu-parameter"},
    {PRES_ABORT_UNEXPECTED_PARAMETER, "unexpected-ppdu-parameter"},
    {PRES_ABORT_INVALID_PARAMETER, "invalid-ppdu-parameter-value"},
    {-1, NULL},
};

static const struct name events[] = {
    {PRES_EVENT_CP, "CP PPDU"},
    {PRES_EVENT_CPA, "CPA PPDU"},
    {PRES_EVENT_CPR, "CPR PPDU"},
    {PRES_EVENT_ARU, "ARU PPDU"},
    {PRES_EVENT_ARP, "ARP PPDU"},
    {PRES_EVENT_AC, "AC PPDU"},
    {PRES_EVENT_ACA, "ACA PPDU"},
    {PRES_EVENT_TD, "TD PPDU"},
    {PRES_EVENT_TTD, "TTD PPDU"},
    {PRES_EVENT_TE, "TE PPDU"},
    {PRES_EVENT_TC, "TC PPDU"},
    {PRES_EVENT_TCC, "TCC PPDU"},
    {PRES_EVENT_RS, "RS PPDU"},
    {PRES_EVENT_RSA, "RSA PPDU"},
    {PRES_EVENT_RELEASE_IND, "S-RELEASE indication"},
    {PRES_EVENT_RELEASE_CNF, "S-RELEASE confirm"},
    {PRES_EVENT_TOKEN_GIVE_IND, "S-TOKEN-GIVE indication"},
    {PRES_EVENT_TOKEN_PLEASE_IND, "S-TOKEN-PLEASE indication"},
    {PRES_EVENT_CONTROL_GIVE_IND, "S-CONTROL-GIVE indication"},
    {PRES_EVENT_SYNC_MINOR_IND, "S-SYNC-MINOR indication"},
    {PRES_EVENT_SYNC_MINOR_CNF, "S-SYNC-MINOR confirm"},
    {PRES_EVENT_SYNC_MAJOR_IND, "S-SYNC-MAJOR indication"},
    {PRES_EVENT_SYNC_MAJOR_CNF, "S-SYNC-MAJOR confirm"},
    {PRES_EVENT_P_EXCEPTION_IND, "S-P-EXCEPTION-REPORT indication"},
    {PRES_EVENT_U_EXCEPTION_IND, "S-U-EXCEPTION-REPORT indication"},
    {PRES_EVENT_ACTIVITY_START_IND, "S-ACTIVITY-START indication"},
    {PRES_EVENT_ACTIVITY_RESUME_IND, "S-ACTIVITY-RESUME indication"},
    {PRES_EVENT_ACTIVITY_INTERRUPT_IND, "S-ACTIVITY-INTERRUPT indication"},
    {PRES_EVENT_ACTIVITY_INTERRUPT_CNF, "S-ACTIVITY-INTERRUPT confirm"},
    {PRES_EVENT_ACTIVITY_DISCARD_IND, "S-ACTIVITY-DISCARD indication"},
    {PRES_EVENT_ACTIVITY_DISCARD_CNF, "S-ACTIVITY-DISCARD confirm"},
    {PRES_EVENT_ACTIVITY_END_IND, "S-ACTIVITY-END indication"},
    {PRES_EVENT_ACTIVITY_END_CNF, "S-ACTIVITY-END confirm"},
    {-1, NULL},
};

static const struct name provider_reasons[] = {
    {PRES_REFUSE_NOT_SPECIFIED, "reason-not-specified"},
    {PRES_REFUSE_CONGESTION, "temporary-congestion"},
    {PRES_REFUSE_LOCAL_LIMIT, "local-limit-exceeded"},
    {PRES_REFUSE_ADDRESS_UNKNOWN, "called-presentation-address-unknown"},
    {PRES_REFUSE_VERSION, "protocol-version-not-supported"},
    {PRES_REFUSE_DEFAULT_CONTEXT, "default-context-not-supported"},
    {PRES_REFUSE_USER_DATA, "user-data-not-readable"},
    {PRES_REFUSE_NO_PSAP, "no-PSAP-available"},
    {-1, NULL},
};

static const struct {
	const struct name *names;
	bool bits; /* several may be set */
} tables[DECODE_NAMES] = {
    [DECODE_REJECT_CAUSE] = {reject_causes, false},
    [DECODE_SYNC_TYPE] = {minor_types, false},
    [DECODE_MAJOR_SYNC_TYPE] = {major_types, false},
    [DECODE_TOKENS] = {tokens, true},
    [DECODE_TRANSPORT_DISCONNECT] = {transport_disconnects, true},
    [DECODE_ENCLOSURE] = {enclosures, true},
    [DECODE_OVERFLOW] = {overflows, true},
    [DECODE_VERSIONS] = {versions, true},
    [DECODE_RTORJ] = {rtorj_reasons, false},
    [DECODE_REFUSE] = {refusals, false},
    [DECODE_REASON] = {reasons, false},
    [DECODE_ABORT] = {aborts, false},
    [DECODE_EVENT] = {events, false},
    [DECODE_PROVIDER_REASON] = {provider_reasons, false},
};

void
decode_print_name(struct buf *out, unsigned depth, const char *name,
    enum decode_name names, int v)
{
	struct buf text = {0};

	for (const struct name *n = tables[names].names; n->text != NULL; n++)
		if (tables[names].bits ? (v & n->v) != 0 : v == n->v)
			buf_printf(
			    &text, "%s%s", text.len > 0 ? ", " : "", n->text);
	print_line(out, depth, name, "%s (%d)",
	    text.len > 0             ? buf_cstr(&text)
		: tables[names].bits ? "none"
				     : "unknown",
	    v);
	buf_free(&text);
}
