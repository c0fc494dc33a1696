/*
 * The state table of X.225 Annex A: rows are states, entries are the incoming
 * events that may happen in them, {action, next state}. Left out is what
 * needs functional units that we have not (expedited data with PREPARE,
 * resynchronize) and reuse of the transport connection. Every event not named in a state is an error: of our
 * user (ERR_PROTOCOL) or of the peer (AB SPDU, A.4.1.2), except in STA16,
 * where SPDUs are ignored.
 */
#include "osi/ses_int.h"

#define SPDU(t) [EV_SPDU + SPDU_##t]
#define IGNORE(t, state) [EV_SPDU + SPDU_##t] = {NULL, state}

/* in every state with an association, or one being made */
#define ABORTS \
	[SUABreq] = {ses_act_SUABreq, STA16}, SPDU(AB) = {ses_act_AB, STA16}

/* What the peer may have sent before it sees our AI or AD. */
#define CROSSING(state)                                                \
	IGNORE(DT, state), IGNORE(TD, state), IGNORE(GT, state),       \
	    IGNORE(PT, state), IGNORE(MIP, state), IGNORE(MIA, state), \
	    IGNORE(ED, state), IGNORE(ER, state), IGNORE(AEA, state),  \
	    IGNORE(MAA, state)

/* What is possible on either side of a major synchronization point that is
 * not confirmed yet, be it the end of the activity or not. */
#define POINT_ASKED(state)                                                  \
	[STDreq] = {ses_act_STDreq, state},                                 \
	[SPTreq] = {ses_act_SPTreq, state},                                 \
	[SGTreq] = {ses_act_SGTreq, state},                                 \
	[SACTIreq] = {ses_act_SACTIreq, STA05B},                            \
	[SACTDreq] = {ses_act_SACTDreq, STA05C},                            \
	SPDU(MIA) = {ses_act_MIA, state}, SPDU(DT) = {ses_act_data, state}, \
	SPDU(TD) = {ses_act_data, state}, SPDU(GT) = {ses_act_GT, state},   \
	SPDU(PT) = {ses_act_PT, state}, SPDU(ED) = {ses_act_ED, STA19},     \
	SPDU(ER) = {ses_act_ER, STA20}
#define POINT_TOLD(state)                                                      \
	[SSYNmrsp] = {ses_act_SSYNmrsp, state},                                \
	[SDTreq] = {ses_act_SDTreq, state},                                    \
	[STDreq] = {ses_act_STDreq, state},                                    \
	[SPTreq] = {ses_act_SPTreq, state},                                    \
	[SGTreq] = {ses_act_SGTreq, state},                                    \
	[SUERreq] = {ses_act_SUERreq, STA20}, SPDU(AI) = {ses_act_AI, STA11B}, \
	SPDU(AD) = {ses_act_AI, STA11C}, SPDU(TD) = {ses_act_data, state},     \
	SPDU(GT) = {ses_act_GT, state}, SPDU(PT) = {ses_act_PT, state}

const struct ses_cell ses_cells[SES_STATES][SES_EVENTS] =
    {
	[STA01] =
	    {
		[SCONreq] = {ses_act_SCONreq, STA01B},
		[TCONind] = {ses_act_TCONind, STA01C},
	    },
	[STA01B] =
	    {
		[TCONcnf] = {ses_act_TCONcnf, STA02A}, /* overflow: STA02B */
		[SUABreq] = {ses_act_TDISreq, STA01},
	    },
	[STA01C] =
	    {
		/* overflow: STA01D, refused by the SPM: STA16 */
		SPDU(CN) = {ses_act_CN, STA08},
		ABORTS,
	    },
	[STA01D] =
	    {
		SPDU(CDO) = {ses_act_CDO, STA01D}, /* the last one: STA08 */
		ABORTS,
	    },
	[STA02A] =
	    {
		SPDU(AC) = {ses_act_AC, STA713},
		SPDU(RF) = {ses_act_RF, STA01},
		ABORTS,
	    },
	[STA02B] =
	    {
		SPDU(OA) = {ses_act_OA, STA02A},
		SPDU(RF) = {ses_act_RF, STA01},
		ABORTS,
	    },
	[STA03] =
	    {
		SPDU(DN) = {ses_act_DN, STA01},
		SPDU(NF) = {ses_act_indicate, STA713},
		SPDU(FN) = {ses_act_FN_collision, STA09},
		SPDU(DT) = {ses_act_data, STA03},
		SPDU(TD) = {ses_act_data, STA03},
		SPDU(PT) = {ses_act_PT, STA03},
		SPDU(MIA) = {ses_act_MIA, STA03},
		SPDU(ED) = {ses_act_ED, STA19},
		SPDU(ER) = {ses_act_ER, STA20},
		ABORTS,
	    },
	[STA04A] =
	    {
		SPDU(MAA) = {ses_act_MAA, STA713},
		POINT_ASKED(STA04A),
		ABORTS,
	    },
	[STA04B] =
	    {
		SPDU(AEA) = {ses_act_AEA, STA713},
		POINT_ASKED(STA04B),
		ABORTS,
	    },
	[STA05B] =
	    {
		SPDU(AIA) = {ses_act_AIA, STA713},
		CROSSING(STA05B),
		ABORTS,
	    },
	[STA05C] =
	    {
		SPDU(ADA) = {ses_act_AIA, STA713},
		CROSSING(STA05C),
		ABORTS,
	    },
	[STA08] =
	    {
		[SCONrsp_pos] = {ses_act_SCONrsp_pos, STA713},
		[SCONrsp_neg] = {ses_act_SCONrsp_neg, STA16},
		ABORTS,
	    },
	[STA09] =
	    {
		[SRELrsp_pos] = {ses_act_SRELrsp_pos, STA16},
		[SRELrsp_neg] = {ses_act_SRELrsp_neg, STA713},
		[SDTreq] = {ses_act_SDTreq, STA09},
		[STDreq] = {ses_act_STDreq, STA09},
		[SPTreq] = {ses_act_SPTreq, STA09},
		[SSYNmrsp] = {ses_act_SSYNmrsp, STA09},
		SPDU(DN) = {ses_act_DN_STA09, STA09},
		ABORTS,
	    },
	[STA10A] =
	    {
		[SSYNMrsp] = {ses_act_SSYNMrsp, STA713},
		POINT_TOLD(STA10A),
		ABORTS,
	    },
	[STA10B] =
	    {
		[SACTErsp] = {ses_act_SACTErsp, STA713},
		POINT_TOLD(STA10B),
		ABORTS,
	    },
	[STA11B] =
	    {
		[SACTIrsp] = {ses_act_SACTIrsp, STA713},
		ABORTS,
	    },
	[STA11C] =
	    {
		[SACTDrsp] = {ses_act_SACTDrsp, STA713},
		ABORTS,
	    },
	[STA16] =
	    {
		SPDU(AB) = {ses_act_TDISreq, STA01},
		SPDU(AA) = {ses_act_TDISreq, STA01},
	    },
	[STA18] =
	    {
		SPDU(GTA) = {NULL, STA713},
		SPDU(PT) = {ses_act_PT, STA18},
		SPDU(DT) = {ses_act_data, STA18},
		SPDU(TD) = {ses_act_data, STA18},
		ABORTS,
	    },
	[STA19] =
	    {
		[SACTIreq] = {ses_act_SACTIreq, STA05B},
		[SACTDreq] = {ses_act_SACTDreq, STA05C},
		[SGTreq] = {ses_act_SGTreq, STA713},
		SPDU(AI) = {ses_act_AI, STA11B},
		SPDU(AD) = {ses_act_AI, STA11C},
		SPDU(PT) = {ses_act_PT, STA19},
		IGNORE(TD, STA19),
		IGNORE(MIA, STA19),
		ABORTS,
	    },
	[STA20] =
	    {
		[SACTIreq] = {ses_act_SACTIreq, STA05B},
		[SACTDreq] = {ses_act_SACTDreq, STA05C},
		[SGTreq] = {ses_act_SGTreq, STA713},
		SPDU(AI) = {ses_act_AI, STA11B},
		SPDU(AD) = {ses_act_AI, STA11C},
		SPDU(
		    GT) = {ses_act_GT_STA20, STA713}, /* no data token: STA20 */
		IGNORE(DT, STA20),
		IGNORE(TD, STA20),
		IGNORE(PT, STA20),
		IGNORE(MIP, STA20),
		IGNORE(MIA, STA20),
		IGNORE(MAP, STA20),
		IGNORE(MAA, STA20),
		IGNORE(AE, STA20),
		IGNORE(AEA, STA20),
		IGNORE(FN, STA20),
		IGNORE(ED, STA20),
		IGNORE(ER, STA20),
		ABORTS,
	    },
	[STA21] =
	    {
		SPDU(CDA) = {ses_act_indicate, STA713},
		SPDU(DT) = {ses_act_data, STA21},
		SPDU(TD) = {ses_act_data, STA21},
		SPDU(GT) = {ses_act_GT, STA21},
		SPDU(PT) = {ses_act_PT, STA21},
		ABORTS,
	    },
	[STA22] =
	    {
		[SCDrsp] = {ses_act_SCDrsp, STA713},
		[SDTreq] = {ses_act_SDTreq, STA22},
		[STDreq] = {ses_act_STDreq, STA22},
		[SGTreq] = {ses_act_SGTreq, STA22},
		[SPTreq] = {ses_act_SPTreq, STA22},
		ABORTS,
	    },
	[STA713] =
	    {
		[SDTreq] = {ses_act_SDTreq, STA713},
		[STDreq] = {ses_act_STDreq, STA713},
		[SGTreq] = {ses_act_SGTreq, STA713},
		[SPTreq] = {ses_act_SPTreq, STA713},
		[SCGreq] = {ses_act_SCGreq, STA18},
		[SSYNmreq] = {ses_act_SSYNmreq, STA713},
		[SSYNmrsp] = {ses_act_SSYNmrsp, STA713},
		[SSYNMreq] = {ses_act_SSYNMreq, STA04A},
		[SACTSreq] = {ses_act_SACTSreq, STA713},
		[SACTRreq] = {ses_act_SACTRreq, STA713},
		[SACTIreq] = {ses_act_SACTIreq, STA05B},
		[SACTDreq] = {ses_act_SACTDreq, STA05C},
		[SACTEreq] = {ses_act_SACTEreq, STA04B},
		[SCDreq] = {ses_act_SCDreq, STA21},
		[SUERreq] = {ses_act_SUERreq, STA20},
		[SRELreq] = {ses_act_SRELreq, STA03},
		SPDU(DT) = {ses_act_data, STA713},
		SPDU(TD) = {ses_act_data, STA713},
		SPDU(GT) = {ses_act_GT, STA713},
		SPDU(PT) = {ses_act_PT, STA713},
		SPDU(GTC) = {ses_act_GTC, STA713},
		SPDU(MIP) = {ses_act_MIP, STA713},
		SPDU(MIA) = {ses_act_MIA, STA713},
		SPDU(MAP) = {ses_act_MAP_AE, STA10A},
		SPDU(CD) = {ses_act_indicate, STA22},
		SPDU(AS) = {ses_act_AS, STA713},
		SPDU(AR) = {ses_act_AR, STA713},
		SPDU(AI) = {ses_act_AI, STA11B},
		SPDU(AD) = {ses_act_AI, STA11C},
		SPDU(AE) = {ses_act_MAP_AE, STA10B},
		SPDU(ED) = {ses_act_ED, STA19},
		SPDU(ER) = {ses_act_ER, STA20},
		SPDU(FN) = {ses_act_FN, STA09},
		ABORTS,
	    },
};

#define DATA SES_TOKEN_DATA
#define SYNC (SES_TOKEN_DATA | SES_TOKEN_MINOR)
#define WORK (SES_TOKEN_DATA | SES_TOKEN_MINOR | SES_TOKEN_MAJOR)
#define MAJOR SES_TOKEN_MAJOR
#define ALL 0xff
#define MINOR_SYNC SES_FU_MINOR_SYNC
#define MAJOR_SYNC SES_FU_MAJOR_SYNC
#define ACTIVITY SES_FU_ACTIVITY

const struct ses_condition ses_conditions[SES_EVENTS] = {
    /* event = {functional unit, own tokens, peer's tokens, activity} */
    [SDTreq] = {0, DATA, 0, ACT_ANY},
    [STDreq] = {SES_FU_TYPED_DATA, 0, 0, ACT_ANY},
    [SCGreq] = {ACTIVITY, ALL, 0, ACT_OUT},
    [SSYNmreq] = {MINOR_SYNC, SYNC, 0, ACT_IN},
    [SSYNmrsp] = {MINOR_SYNC, 0, 0, ACT_IN},
    [SSYNMreq] = {MAJOR_SYNC, WORK, 0, ACT_IN},
    [SCDreq] = {SES_FU_CAPABILITY, WORK, 0, ACT_OUT},
    [SACTSreq] = {ACTIVITY, WORK, 0, ACT_OUT},
    [SACTRreq] = {ACTIVITY, WORK, 0, ACT_OUT},
    [SACTIreq] = {ACTIVITY, MAJOR, 0, ACT_IN},
    [SACTDreq] = {ACTIVITY, MAJOR, 0, ACT_IN},
    [SACTEreq] = {ACTIVITY, WORK, 0, ACT_IN},
    [SUERreq] = {SES_FU_EXCEPTIONS, 0, DATA, ACT_IN},
    [SRELreq] = {0, ALL, 0, ACT_OUT},
    [SRELrsp_neg] = {SES_FU_NEGOTIATED_RELEASE, 0, 0, ACT_ANY},

    /* SPDU = {... as above ..., the primitive that it causes} */
    SPDU(CN) = {0, 0, 0, ACT_ANY, SES_CONNECT, SES_IND},
    SPDU(CDO) = {0, 0, 0, ACT_ANY, SES_CONNECT, SES_IND},
    SPDU(AC) = {0, 0, 0, ACT_ANY, SES_CONNECT, SES_CNF},
    SPDU(RF) = {0, 0, 0, ACT_ANY, SES_CONNECT, SES_CNF},
    SPDU(FN) = {0, 0, ALL, ACT_OUT, SES_RELEASE, SES_IND},
    SPDU(DN) = {0, 0, 0, ACT_ANY, SES_RELEASE, SES_CNF},
    SPDU(NF) = {SES_FU_NEGOTIATED_RELEASE, 0, 0, ACT_ANY, SES_RELEASE, SES_CNF},
    SPDU(AB) = {0, 0, 0, ACT_ANY, SES_U_ABORT, SES_IND},
    SPDU(DT) = {0, 0, DATA, ACT_ANY, SES_DATA, SES_IND},
    SPDU(TD) = {SES_FU_TYPED_DATA, 0, 0, ACT_ANY, SES_TYPED_DATA, SES_IND},
    SPDU(GT) = {0, 0, 0, ACT_ANY, SES_TOKEN_GIVE, SES_IND},
    SPDU(PT) = {0, 0, 0, ACT_ANY, SES_TOKEN_PLEASE, SES_IND},
    SPDU(GTC) = {ACTIVITY, 0, ALL, ACT_OUT, SES_CONTROL_GIVE, SES_IND},
    SPDU(GTA) = {ACTIVITY, 0, 0, ACT_OUT},
    SPDU(MIP) = {MINOR_SYNC, 0, SYNC, ACT_IN, SES_SYNC_MINOR, SES_IND},
    SPDU(MIA) = {MINOR_SYNC, 0, 0, ACT_IN, SES_SYNC_MINOR, SES_CNF},
    SPDU(MAP) = {MAJOR_SYNC, 0, WORK, ACT_IN, SES_SYNC_MAJOR, SES_IND},
    SPDU(MAA) = {MAJOR_SYNC, 0, 0, ACT_IN, SES_SYNC_MAJOR, SES_CNF},
    SPDU(CD) = {SES_FU_CAPABILITY, 0, WORK, ACT_OUT, SES_CAPABILITY_DATA,
	SES_IND},
    SPDU(
	CDA) = {SES_FU_CAPABILITY, 0, 0, ACT_OUT, SES_CAPABILITY_DATA, SES_CNF},
    SPDU(ER) = {SES_FU_EXCEPTIONS, 0, 0, ACT_IN, SES_P_EXCEPTION, SES_IND},
    SPDU(ED) = {SES_FU_EXCEPTIONS, 0, 0, ACT_ANY, SES_U_EXCEPTION, SES_IND},
    SPDU(AS) = {ACTIVITY, 0, WORK, ACT_OUT, SES_ACTIVITY_START, SES_IND},
    SPDU(AR) = {ACTIVITY, 0, WORK, ACT_OUT, SES_ACTIVITY_RESUME, SES_IND},
    SPDU(AI) = {ACTIVITY, 0, MAJOR, ACT_IN, SES_ACTIVITY_INTERRUPT, SES_IND},
    SPDU(AIA) = {ACTIVITY, 0, 0, ACT_IN, SES_ACTIVITY_INTERRUPT, SES_CNF},
    SPDU(AD) = {ACTIVITY, 0, MAJOR, ACT_IN, SES_ACTIVITY_DISCARD, SES_IND},
    SPDU(ADA) = {ACTIVITY, 0, 0, ACT_IN, SES_ACTIVITY_DISCARD, SES_CNF},
    SPDU(AE) = {ACTIVITY, 0, WORK, ACT_IN, SES_ACTIVITY_END, SES_IND},
    SPDU(AEA) = {ACTIVITY, 0, 0, ACT_IN, SES_ACTIVITY_END, SES_CNF},
};

const struct ses_state_def ses_states[SES_STATES] = {
    [STA_NONE] = {"STA?", SES_TIMER_NONE},
    [STA01] = {"STA01", SES_TIMER_CONNECT},
    [STA01B] = {"STA01B", SES_TIMER_CONNECT},
    [STA01C] = {"STA01C", SES_TIMER_CONNECT},
    [STA01D] = {"STA01D", SES_TIMER_CONNECT},
    [STA02A] = {"STA02A", SES_TIMER_CONNECT},
    [STA02B] = {"STA02B", SES_TIMER_CONNECT},
    [STA03] = {"STA03", SES_TIMER_REPLY},
    [STA04A] = {"STA04A", SES_TIMER_REPLY},
    [STA04B] = {"STA04B", SES_TIMER_REPLY},
    [STA05B] = {"STA05B", SES_TIMER_REPLY},
    [STA05C] = {"STA05C", SES_TIMER_REPLY},
    [STA08] = {"STA08", SES_TIMER_CONNECT},
    /* our own user owes the answer */
    [STA09] = {"STA09", SES_TIMER_NONE},
    [STA10A] = {"STA10A", SES_TIMER_NONE},
    [STA10B] = {"STA10B", SES_TIMER_NONE},
    [STA11B] = {"STA11B", SES_TIMER_NONE},
    [STA11C] = {"STA11C", SES_TIMER_NONE},
    [STA16] = {"STA16", SES_TIMER_ABORT},
    [STA18] = {"STA18", SES_TIMER_REPLY},
    [STA19] = {"STA19", SES_TIMER_NONE},
    [STA20] = {"STA20", SES_TIMER_REPLY},
    [STA21] = {"STA21", SES_TIMER_REPLY},
    [STA22] = {"STA22", SES_TIMER_NONE},
    [STA713] = {"STA713", SES_TIMER_IDLE},
};

const char *const ses_event_names[EV_SPDU] = {
    [SCONreq] = "S-CONNECT request",
    [SCONrsp_pos] = "S-CONNECT response",
    [SCONrsp_neg] = "S-CONNECT refusal",
    [SDTreq] = "S-DATA request",
    [STDreq] = "S-TYPED-DATA request",
    [SGTreq] = "S-TOKEN-GIVE request",
    [SPTreq] = "S-TOKEN-PLEASE request",
    [SCGreq] = "S-CONTROL-GIVE request",
    [SSYNmreq] = "S-SYNC-MINOR request",
    [SSYNmrsp] = "S-SYNC-MINOR response",
    [SSYNMreq] = "S-SYNC-MAJOR request",
    [SSYNMrsp] = "S-SYNC-MAJOR response",
    [SACTSreq] = "S-ACTIVITY-START request",
    [SACTRreq] = "S-ACTIVITY-RESUME request",
    [SACTIreq] = "S-ACTIVITY-INTERRUPT request",
    [SACTIrsp] = "S-ACTIVITY-INTERRUPT response",
    [SACTDreq] = "S-ACTIVITY-DISCARD request",
    [SACTDrsp] = "S-ACTIVITY-DISCARD response",
    [SACTEreq] = "S-ACTIVITY-END request",
    [SACTErsp] = "S-ACTIVITY-END response",
    [SCDreq] = "S-CAPABILITY-DATA request",
    [SCDrsp] = "S-CAPABILITY-DATA response",
    [SUERreq] = "S-U-EXCEPTION-REPORT request",
    [SRELreq] = "S-RELEASE request",
    [SRELrsp_pos] = "S-RELEASE response",
    [SRELrsp_neg] = "S-RELEASE refusal",
    [SUABreq] = "S-U-ABORT request",
    [TCONind] = "T-CONNECT indication",
    [TCONcnf] = "T-CONNECT confirm",
};

const char *
ses_service_name(enum ses_prim_type type)
{
	static const char *const names[] = {
	    [SES_CONNECT] = "CONNECT",
	    [SES_DATA] = "DATA",
	    [SES_TOKEN_GIVE] = "TOKEN-GIVE",
	    [SES_TOKEN_PLEASE] = "TOKEN-PLEASE",
	    [SES_CONTROL_GIVE] = "CONTROL-GIVE",
	    [SES_SYNC_MINOR] = "SYNC-MINOR",
	    [SES_ACTIVITY_START] = "ACTIVITY-START",
	    [SES_ACTIVITY_RESUME] = "ACTIVITY-RESUME",
	    [SES_ACTIVITY_INTERRUPT] = "ACTIVITY-INTERRUPT",
	    [SES_ACTIVITY_DISCARD] = "ACTIVITY-DISCARD",
	    [SES_ACTIVITY_END] = "ACTIVITY-END",
	    [SES_U_EXCEPTION] = "U-EXCEPTION-REPORT",
	    [SES_P_EXCEPTION] = "P-EXCEPTION-REPORT",
	    [SES_RELEASE] = "RELEASE",
	    [SES_U_ABORT] = "U-ABORT",
	    [SES_P_ABORT] = "P-ABORT",
	    [SES_TYPED_DATA] = "TYPED-DATA",
	    [SES_SYNC_MAJOR] = "SYNC-MAJOR",
	    [SES_CAPABILITY_DATA] = "CAPABILITY-DATA",
	};

	return type <= SES_CAPABILITY_DATA ? names[type] : "(unknown)";
}

const char *
ses_kind_name(enum ses_prim_kind kind)
{
	static const char *const names[] = {
	    [SES_REQ] = "request",
	    [SES_IND] = "indication",
	    [SES_RSP] = "response",
	    [SES_CNF] = "confirm",
	};

	return names[kind];
}
