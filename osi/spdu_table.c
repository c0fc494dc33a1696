/*
 * The parameters of X.225 8.3 and the SPDUs that have them, as tables. The
 * order of enum spdu_par within a group and of the groups below is the order
 * in which they are written.
 */
#include "osi/spdu_int.h"

enum { PGI_CONNECTION = 1, PGI_CONNECT_ACCEPT = 5, PGI_LINKING = 33 };

#define D SPDU_VALUE_DIGITS
#define O SPDU_VALUE_OCTETS

const struct spdu_par_def spdu_par_defs[SPDU_PARS] = {
    [SPDU_CALLED_REF] = {"called reference", PGI_CONNECTION, 9, O, 0, 64},
    [SPDU_CALLING_REF] = {"calling reference", PGI_CONNECTION, 10, O, 0, 64},
    [SPDU_COMMON_REF] = {"common reference", PGI_CONNECTION, 11, O, 0, 64},
    [SPDU_ADDITIONAL_REF] = {"additional reference", PGI_CONNECTION, 12, O, 0,
	4},
    [SPDU_PROTOCOL_OPTIONS] = {"protocol options", PGI_CONNECT_ACCEPT, 19, O, 1,
	1},
    [SPDU_TSDU_MAX] = {"TSDU maximum size", PGI_CONNECT_ACCEPT, 21, O, 4, 4},
    [SPDU_VERSION] = {"version number", PGI_CONNECT_ACCEPT, 22, O, 1, 1},
    [SPDU_INITIAL_SERIAL] = {"initial serial number", PGI_CONNECT_ACCEPT, 23, D,
	0, 6},
    [SPDU_TOKEN_SETTING] = {"token setting", PGI_CONNECT_ACCEPT, 26, O, 1, 1},
    [SPDU_SECOND_INITIAL_SERIAL] = {"second initial serial number",
	PGI_CONNECT_ACCEPT, 55, D, 0, 6},
    [SPDU_UPPER_LIMIT_SERIAL] = {"upper limit serial number",
	PGI_CONNECT_ACCEPT, 56, O, 1, 1},
    [SPDU_LARGE_INITIAL_SERIAL] = {"large initial serial number",
	PGI_CONNECT_ACCEPT, 57, D, 0, UINT8_MAX},
    [SPDU_LARGE_SECOND_SERIAL] = {"large second initial serial number",
	PGI_CONNECT_ACCEPT, 58, D, 0, UINT8_MAX},
    [SPDU_LINK_CALLED_REF] = {"old called reference", PGI_LINKING, 9, O, 0, 64},
    [SPDU_LINK_CALLING_REF] = {"old calling reference", PGI_LINKING, 10, O, 0,
	64},
    [SPDU_LINK_COMMON_REF] = {"old common reference", PGI_LINKING, 11, O, 0,
	64},
    [SPDU_LINK_ADDITIONAL_REF] = {"old additional reference", PGI_LINKING, 12,
	O, 0, 4},
    [SPDU_LINK_ACTIVITY] = {"old activity identifier", PGI_LINKING, 41, O, 0,
	6},
    [SPDU_LINK_SERIAL] = {"old serial number", PGI_LINKING, 42, D, 1, 6},
    [SPDU_SYNC_TYPE] = {"sync type", 0, 15, O, 1, 1},
    [SPDU_TOKENS] = {"token item", 0, 16, O, 1, 1},
    [SPDU_TRANSPORT_DISCONNECT] = {"transport disconnect", 0, 17, O, 1, 1},
    [SPDU_REQUIREMENTS] = {"session user requirements", 0, 20, O, 2, 2},
    [SPDU_ENCLOSURE] = {"enclosure item", 0, 25, O, 1, 1},
    [SPDU_ACTIVITY] = {"activity identifier", 0, 41, O, 0, 6},
    [SPDU_SERIAL] = {"serial number", 0, 42, D, 1, 6},
    [SPDU_REFLECT] = {"reflect parameter values", 0, 49, O, 0, UINT16_MAX},
    [SPDU_REASON] = {"reason code", 0, 50, O, 1, UINT16_MAX},
    [SPDU_CALLING_SSEL] = {"calling session selector", 0, 51, O, 0,
	OSI_SSEL_MAX},
    [SPDU_CALLED_SSEL] = {"called session selector", 0, 52, O, 0, OSI_SSEL_MAX},
    [SPDU_OVERFLOW] = {"data overflow", 0, 60, O, 1, 1},
    [SPDU_USER_DATA] = {"user data", 0, 193, O, 0, UINT16_MAX},
    [SPDU_EXTENDED_DATA] = {"extended user data", 0, 194, O, 0, UINT16_MAX},
};

#undef D
#undef O

#define B SPDU_BIT
#define REFS B(SPDU_COMMON_REF) | B(SPDU_ADDITIONAL_REF)
#define ITEM                                                             \
	B(SPDU_PROTOCOL_OPTIONS) | B(SPDU_TSDU_MAX) | B(SPDU_VERSION) |  \
	    B(SPDU_INITIAL_SERIAL) | B(SPDU_TOKEN_SETTING) |             \
	    B(SPDU_SECOND_INITIAL_SERIAL) | B(SPDU_UPPER_LIMIT_SERIAL) | \
	    B(SPDU_LARGE_INITIAL_SERIAL) | B(SPDU_LARGE_SECOND_SERIAL)
#define LINK                                                        \
	B(SPDU_LINK_CALLED_REF) | B(SPDU_LINK_CALLING_REF) |        \
	    B(SPDU_LINK_COMMON_REF) | B(SPDU_LINK_ADDITIONAL_REF) | \
	    B(SPDU_LINK_ACTIVITY) | B(SPDU_LINK_SERIAL)
#define DATA B(SPDU_USER_DATA) | B(SPDU_ENCLOSURE)
#define SSELS B(SPDU_CALLING_SSEL) | B(SPDU_CALLED_SSEL)

const struct spdu_def spdu_defs[SPDU_TYPES] = {
    [SPDU_NONE] = {"session ?", 0, 1, 0, 0},
    [SPDU_CN] = {"session CN", 13, 1,
	B(SPDU_CALLING_REF) | REFS | ITEM | B(SPDU_REQUIREMENTS) | SSELS |
	    B(SPDU_OVERFLOW) | B(SPDU_USER_DATA) | B(SPDU_EXTENDED_DATA),
	0},
    [SPDU_OA] = {"session OA", 16, 1, B(SPDU_TSDU_MAX) | B(SPDU_VERSION), 0},
    [SPDU_CDO] = {"session CDO", 15, 1, DATA, B(SPDU_ENCLOSURE)},
    [SPDU_AC] = {"session AC", 14, 1,
	B(SPDU_CALLED_REF) | REFS | ITEM | B(SPDU_TOKENS) |
	    B(SPDU_REQUIREMENTS) | SSELS | DATA,
	0},
    [SPDU_RF] = {"session RF", 12, 1,
	B(SPDU_CALLED_REF) | REFS | B(SPDU_VERSION) |
	    B(SPDU_TRANSPORT_DISCONNECT) | B(SPDU_REQUIREMENTS) |
	    B(SPDU_ENCLOSURE) | B(SPDU_REASON),
	0},
    [SPDU_FN] = {"session FN", 9, 1, B(SPDU_TRANSPORT_DISCONNECT) | DATA, 0},
    [SPDU_DN] = {"session DN", 10, 1, DATA, 0},
    [SPDU_NF] = {"session NF", 8, 1, DATA, 0},
    [SPDU_AB] = {"session AB", 25, 1,
	B(SPDU_TRANSPORT_DISCONNECT) | B(SPDU_REFLECT) | DATA,
	B(SPDU_TRANSPORT_DISCONNECT)},
    [SPDU_AA] = {"session AA", 26, 1, 0, 0},
    [SPDU_DT] = {"session DT", 1, 2, B(SPDU_ENCLOSURE), 0},
    [SPDU_TD] = {"session TD", 33, 1, B(SPDU_ENCLOSURE), 0},
    [SPDU_GT] = {"session GT", 1, 0, B(SPDU_TOKENS) | DATA, 0},
    [SPDU_PT] = {"session PT", 2, 0, B(SPDU_TOKENS) | DATA, 0},
    [SPDU_GTC] = {"session GTC", 21, 1, DATA, 0},
    [SPDU_GTA] = {"session GTA", 22, 1, DATA, 0},
    [SPDU_MIP] = {"session MIP", 49, 2,
	B(SPDU_SYNC_TYPE) | B(SPDU_SERIAL) | DATA, B(SPDU_SERIAL)},
    [SPDU_MIA] = {"session MIA", 50, 2, B(SPDU_SERIAL) | DATA, B(SPDU_SERIAL)},
    [SPDU_ER] = {"session ER", 0, 2, B(SPDU_REFLECT) | B(SPDU_ENCLOSURE), 0},
    [SPDU_ED] = {"session ED", 48, 2, B(SPDU_REASON) | DATA, B(SPDU_REASON)},
    [SPDU_AS] = {"session AS", 45, 2, B(SPDU_ACTIVITY) | DATA,
	B(SPDU_ACTIVITY)},
    [SPDU_AR] = {"session AR", 29, 2, LINK | B(SPDU_ACTIVITY) | DATA,
	B(SPDU_LINK_ACTIVITY) | B(SPDU_LINK_SERIAL) | B(SPDU_ACTIVITY)},
    [SPDU_AI] = {"session AI", 25, 2, B(SPDU_REASON) | DATA, 0},
    [SPDU_AIA] = {"session AIA", 26, 2, DATA, 0},
    [SPDU_AD] = {"session AD", 57, 2, B(SPDU_REASON) | DATA, 0},
    [SPDU_ADA] = {"session ADA", 58, 2, DATA, 0},
    [SPDU_AE] = {"session AE", 41, 2, B(SPDU_SYNC_TYPE) | B(SPDU_SERIAL) | DATA,
	B(SPDU_SERIAL)},
    [SPDU_AEA] = {"session AEA", 42, 2, B(SPDU_SERIAL) | DATA, B(SPDU_SERIAL)},
    [SPDU_MAP] = {"session MAP", 41, 2,
	B(SPDU_SYNC_TYPE) | B(SPDU_SERIAL) | DATA, B(SPDU_SERIAL)},
    [SPDU_MAA] = {"session MAA", 42, 2, B(SPDU_SERIAL) | DATA, B(SPDU_SERIAL)},
    [SPDU_CD] = {"session CD", 61, 2, DATA, 0},
    [SPDU_CDA] = {"session CDA", 62, 2, DATA, 0},
};
