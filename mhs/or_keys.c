#include "mhs/or_keys.h"

#include <string.h>
#include <strings.h>

#define PT MHS_OR_SYNTAX_PT

/* First the key that RFC 2156 generates, then its alternatives. */
static const struct mhs_or_word words[] = {
    {"C", MHS_OR_COUNTRY, MHS_OR_SYNTAX_PN, 0},
    {"ADMD", MHS_OR_ADMD, MHS_OR_SYNTAX_PN, 0},
    {"A", MHS_OR_ADMD, MHS_OR_SYNTAX_PN, 0},
    {"PRMD", MHS_OR_PRMD, MHS_OR_SYNTAX_PN, 0},
    {"P", MHS_OR_PRMD, MHS_OR_SYNTAX_PN, 0},
    {"X121", MHS_OR_NETWORK_ADDRESS, MHS_OR_SYNTAX_N, 0},
    {"X.121", MHS_OR_NETWORK_ADDRESS, MHS_OR_SYNTAX_N, 0},
    {"T-ID", MHS_OR_TERMINAL_ID, MHS_OR_SYNTAX_P, 0},
    {"O", MHS_OR_ORGANIZATION, PT, 0},
    {"UA-ID", MHS_OR_NUMERIC_ID, MHS_OR_SYNTAX_N, 0},
    {"N-ID", MHS_OR_NUMERIC_ID, MHS_OR_SYNTAX_N, 0},
    {"PN", MHS_OR_SURNAME, MHS_OR_SYNTAX_NAME, 0},
    {"S", MHS_OR_SURNAME, PT, 0},
    {"G", MHS_OR_GIVEN_NAME, PT, 0},
    {"I", MHS_OR_INITIALS, PT, 0},
    {"GQ", MHS_OR_GENERATION, PT, 0},
    {"Q", MHS_OR_GENERATION, PT, 0},
    {"OU", MHS_OR_UNIT1, MHS_OR_SYNTAX_UNIT, 0},
    {"OU1", MHS_OR_UNIT1, PT, 1},
    {"OU2", MHS_OR_UNIT2, PT, 2},
    {"OU3", MHS_OR_UNIT3, PT, 3},
    {"OU4", MHS_OR_UNIT4, PT, 4},
    {"CN", MHS_OR_COMMON_NAME, PT, 0},
    {"PD-SERVICE", MHS_OR_PDS_NAME, MHS_OR_SYNTAX_P, 0},
    {"PD-SN", MHS_OR_PDS_NAME, MHS_OR_SYNTAX_P, 0},
    {"PD-C", MHS_OR_PD_COUNTRY, MHS_OR_SYNTAX_PN, 0},
    {"PD-COUNTRY", MHS_OR_PD_COUNTRY, MHS_OR_SYNTAX_PN, 0},
    {"PD-CODE", MHS_OR_POSTAL_CODE, MHS_OR_SYNTAX_PN, 0},
    {"PD-PC", MHS_OR_POSTAL_CODE, MHS_OR_SYNTAX_PN, 0},
    {"PD-OFFICE", MHS_OR_PD_OFFICE_NAME, PT, 0},
    {"PD-OF", MHS_OR_PD_OFFICE_NAME, PT, 0},
    {"PD-OFFICE-NUM", MHS_OR_PD_OFFICE_NUMBER, PT, 0},
    {"PD-OFFICE NUMBER", MHS_OR_PD_OFFICE_NUMBER, PT, 0},
    {"PD-OFN", MHS_OR_PD_OFFICE_NUMBER, PT, 0},
    {"PD-EXT-ADDRESS", MHS_OR_PD_EXT_OR_COMPONENTS, PT, 0},
    {"PD-EXT.ADDRESS", MHS_OR_PD_EXT_OR_COMPONENTS, PT, 0},
    {"PD-EA", MHS_OR_PD_EXT_OR_COMPONENTS, PT, 0},
    {"PD-PN", MHS_OR_PD_PERSONAL_NAME, PT, 0},
    {"PD-PERSON", MHS_OR_PD_PERSONAL_NAME, PT, 0},
    {"PD-O", MHS_OR_PD_ORGANIZATION, PT, 0},
    {"PD-ORGANIZATION", MHS_OR_PD_ORGANIZATION, PT, 0},
    {"PD-EXT-DELIVERY", MHS_OR_PD_EXT_DELIVERY, PT, 0},
    {"PD-EXT.DELIVERY", MHS_OR_PD_EXT_DELIVERY, PT, 0},
    {"PD-ED", MHS_OR_PD_EXT_DELIVERY, PT, 0},
    {"PD-ADDRESS", MHS_OR_PD_ADDRESS, PT, 0},
    {"PD-A", MHS_OR_PD_ADDRESS, PT, 0},
    {"PD-A1", MHS_OR_PD_ADDRESS, MHS_OR_SYNTAX_LINE, 1},
    {"PD-A2", MHS_OR_PD_ADDRESS, MHS_OR_SYNTAX_LINE, 2},
    {"PD-A3", MHS_OR_PD_ADDRESS, MHS_OR_SYNTAX_LINE, 3},
    {"PD-A4", MHS_OR_PD_ADDRESS, MHS_OR_SYNTAX_LINE, 4},
    {"PD-A5", MHS_OR_PD_ADDRESS, MHS_OR_SYNTAX_LINE, 5},
    {"PD-A6", MHS_OR_PD_ADDRESS, MHS_OR_SYNTAX_LINE, 6},
    {"PD-STREET", MHS_OR_STREET, PT, 0},
    {"PD-S", MHS_OR_STREET, PT, 0},
    {"PD-BOX", MHS_OR_PO_BOX, PT, 0},
    {"PD-B", MHS_OR_PO_BOX, PT, 0},
    {"PD-RESTANTE", MHS_OR_POSTE_RESTANTE, PT, 0},
    {"PD-R", MHS_OR_POSTE_RESTANTE, PT, 0},
    {"PD-UNIQUE", MHS_OR_UNIQUE_POSTAL_NAME, PT, 0},
    {"PD-U", MHS_OR_UNIQUE_POSTAL_NAME, PT, 0},
    {"PD-LOCAL", MHS_OR_PD_LOCAL, PT, 0},
    {"PD-L", MHS_OR_PD_LOCAL, PT, 0},
    {"NET-NUM", MHS_OR_E163, MHS_OR_SYNTAX_N, 0},
    {"E.164", MHS_OR_E163, MHS_OR_SYNTAX_N, 0},
    {"E.163", MHS_OR_E163, MHS_OR_SYNTAX_N, 0},
    {"ISDN", MHS_OR_E163, MHS_OR_SYNTAX_N, 0},
    {"NET-SUB", MHS_OR_E163, MHS_OR_SYNTAX_SUB, 0},
    {"NET-PSAP", MHS_OR_PSAP, MHS_OR_SYNTAX_PSAP, 0},
    {"PSAP", MHS_OR_PSAP, MHS_OR_SYNTAX_PSAP, 0},
    {"T-TY", MHS_OR_TERMINAL_TYPE, MHS_OR_SYNTAX_TYPE, 0},
};

static const char *const labels[MHS_OR_TYPES] = {
    [MHS_OR_COUNTRY] = "C",
    [MHS_OR_ADMD] = "A",
    [MHS_OR_PRMD] = "P",
    [MHS_OR_NETWORK_ADDRESS] = "X.121",
    [MHS_OR_TERMINAL_ID] = "T-ID",
    [MHS_OR_ORGANIZATION] = "O",
    [MHS_OR_NUMERIC_ID] = "N-ID",
    [MHS_OR_SURNAME] = "S",
    [MHS_OR_GIVEN_NAME] = "G",
    [MHS_OR_INITIALS] = "I",
    [MHS_OR_GENERATION] = "Q",
    [MHS_OR_UNIT1] = "OU1",
    [MHS_OR_UNIT2] = "OU2",
    [MHS_OR_UNIT3] = "OU3",
    [MHS_OR_UNIT4] = "OU4",
    [MHS_OR_COMMON_NAME] = "CN",
    [MHS_OR_PDS_NAME] = "PD-SN",
    [MHS_OR_PD_COUNTRY] = "PD-C",
    [MHS_OR_POSTAL_CODE] = "PD-PC",
    [MHS_OR_PD_OFFICE_NAME] = "PD-OF",
    [MHS_OR_PD_OFFICE_NUMBER] = "PD-OFN",
    [MHS_OR_PD_EXT_OR_COMPONENTS] = "PD-EA",
    [MHS_OR_PD_PERSONAL_NAME] = "PD-PN",
    [MHS_OR_PD_ORGANIZATION] = "PD-O",
    [MHS_OR_PD_EXT_DELIVERY] = "PD-ED",
    [MHS_OR_PD_ADDRESS] = "PD-A",
    [MHS_OR_STREET] = "PD-S",
    [MHS_OR_PO_BOX] = "PD-B",
    [MHS_OR_POSTE_RESTANTE] = "PD-R",
    [MHS_OR_UNIQUE_POSTAL_NAME] = "PD-U",
    [MHS_OR_PD_LOCAL] = "PD-L",
    [MHS_OR_E163] = "ISDN",
    [MHS_OR_PSAP] = "PSAP",
    [MHS_OR_TERMINAL_TYPE] = "T-TY",
};

static const struct {
	const char *name;
	long number;
} terminals[] = {
    {"tlx", 3},
    {"ttx", 4},
    {"g3fax", 5},
    {"g4fax", 6},
    {"ia5", 7},
    {"vtx", 8},
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

const struct mhs_or_word *
mhs_or_word_find(const char *key, size_t n)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (strlen(words[i].key) == n &&
		    strncasecmp(words[i].key, key, n) == 0)
			return &words[i];
	return NULL;
}

/* The row whose key is generated: the first that gives a whole value. */
static const struct mhs_or_word *
word_of(enum mhs_or_type type)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].type == type &&
		    words[i].syntax != MHS_OR_SYNTAX_NAME &&
		    words[i].syntax != MHS_OR_SYNTAX_UNIT)
			return &words[i];
	return NULL;
}

const char *
mhs_or_key(enum mhs_or_type type)
{
	const struct mhs_or_word *w = word_of(type);

	if (w != NULL)
		return w->key;
	return type == MHS_OR_DDA ? "DD" : "EXT";
}

const char *
mhs_or_label_key(enum mhs_or_type type)
{
	return labels[type];
}

const char *
mhs_or_terminal_name(long number)
{
	for (size_t i = 0; i < COUNT(terminals); i++)
		if (terminals[i].number == number)
			return terminals[i].name;
	return NULL;
}

long
mhs_or_terminal_number(const char *name, size_t n)
{
	for (size_t i = 0; i < COUNT(terminals); i++)
		if (strlen(terminals[i].name) == n &&
		    strncasecmp(terminals[i].name, name, n) == 0)
			return terminals[i].number;
	return -1;
}
