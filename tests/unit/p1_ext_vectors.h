/*
 * One value of every standard extension of X.411 (1999), put together by hand,
 * for the tests of p1/: where it belongs, a value that is good, one that is
 * not, and what `isthmus decode` shows of the good one.
 */
#ifndef TESTS_P1_EXT_VECTORS_H
#define TESTS_P1_EXT_VECTORS_H

/* /C=XX/ADMD=A/ as ORName (15 octets) and ORAddress */
#define X_ATTRS "30 0b 61 04 13 02 58 58 62 03 13 01 41 "
#define X_NAME "60 0d " X_ATTRS
#define X_ADDRESS "30 0d " X_ATTRS
/* 240102030405Z (13 octets); with its tag 15 */
#define X_CLOCK "32 34 30 31 30 32 30 33 30 34 30 35 5a "
#define X_TIME "17 0d " X_CLOCK
#define X_EXPANSION "30 1e " X_NAME X_TIME                       /* 32 */
#define X_ALGORITHM "30 03 06 01 2a "                            /* 5 */
#define X_BITS "03 02 00 ff "                                    /* 4 */
#define X_SIGNATURE "30 09 " X_ALGORITHM X_BITS                  /* 11 */
#define X_CERTIFICATE "30 0e 30 03 02 01 01 " X_ALGORITHM X_BITS /* 16 */
#define X_CERTIFICATES "30 10 " X_CERTIFICATE                    /* 18 */
#define X_DOMAIN "63 0b 61 04 13 02 58 58 62 03 13 01 41 "       /* 13 */
#define X_DIRECTORY_NAME "30 0d 31 0b 30 09 06 03 55 04 06 13 02 58 58 "
#define X_TOKEN "30 07 80 01 2a a1 02 05 00 " /* 9 */
#define X_SUPPLIED "31 12 80 0d " X_CLOCK "82 01 00 "

/* where: m message, p probe, r recipient, q recipient of a probe, R report,
 * C its content, d reported recipient */
static const struct ext_vector {
	int type;
	const char *where;
	const char *good, *bad, *shown;
} ext_vectors[] = {
    {1, "mp", "0a 01 01", "0a 01 02", "prohibited"},
    {2, "rq", X_NAME, "60 02 30 00", "/ADMD=A/C=XX/"},
    {3, "mp", "0a 01 01", "02 01 01", "prohibited"},
    {4, "mp", "0a 01 00", "0a 02 01 00", "allowed"},
    {5, "m", X_TIME, "17 03 32 34 5a", "2024-01-02T03:04:05Z"},
    {6, "rq", "30 06 02 01 01 02 01 05", "30 04 02 02 01 01",
	"g3-facsimile-delivery"},
    {7, "r", "0a 01 01", "05 00", "prohibited"},
    {8, "r", "0a 01 01", "30 00", "requested"},
    {9, "r", "03 02 00 03", "03 02 00 60", "counter-collection-with-teletex"},
    {10, "r", "02 01 01", "02 02 7f ff", "registered-mail"},
    {11, "r", "14 03 31 32 33", "14 00", "\"123\""},
    {12, "rq", "06 03 2a 03 04", "06 01 80", "1.2.3.4"},
    {13, "m", X_ADDRESS, X_NAME, "/ADMD=A/C=XX/"},
    {14, "r", "02 01 02", "0a 01 02", "return-of-notification-by-MHS"},
    {15, "mp", X_CERTIFICATES, "30 02 05 00", "certificate of 16 octets"},
    {16, "r",
	"30 38 80 04 56 03 06 00 a1 30 30 2e 30 23 " X_ALGORITHM X_NAME X_TIME
	    X_ALGORITHM X_BITS,
	"30 0a 80 04 56 03 06 00 a1 02 05 00", "type: 2.6.3.6.0"},
    {17, "m", X_ALGORITHM, "30 00", "algorithm: 1.2"},
    {18, "r", X_SIGNATURE, "30 05 " X_ALGORITHM, "value: ff (1 octets)"},
    {19, "m", X_SIGNATURE, "30 04 " X_BITS, "algorithm: 1.2"},
    {20, "mpR",
	"31 14 06 01 2a 02 01 03 13 01 41 31 09 30 07 80 01 2a a1 02 05 00",
	"31 04 02 02 01 01", "security-classification: 3 confidential"},
    {21, "", "0a 01 01", "0a 01 05", "requested"},
    {22, "r", "0a 01 01", "02 01 01", "requested"},
    {23, "mpC", "16 03 61 62 63", NULL, "\"abc\""},
    {24, "p", X_SIGNATURE, "04 01 00", "algorithm: 1.2"},
    {25, "rqRd", "30 25 30 23 " X_EXPANSION "0a 01 03",
	"30 22 30 20 " X_NAME X_TIME "0a 00", "directory-look-up"},
    {26, "m", "30 20 " X_EXPANSION, "30 00", "2024-01-02T03:04:05Z /ADMD=A"},
    {27, "d", X_NAME, X_ADDRESS, "/ADMD=A/C=XX/"},
    {28, "rd", X_CERTIFICATES, "30 00", "certificate of 16 octets"},
    {29, "d", X_SIGNATURE, "05 00", "algorithm: 1.2"},
    {30, "R", "30 40 " X_EXPANSION X_EXPANSION, "30 20 " X_EXPANSION,
	"/ADMD=A/C=XX/"},
    {31, "R", X_NAME, "60 00", "/ADMD=A/C=XX/"},
    {32, "R", X_CERTIFICATES, X_SIGNATURE, "certificate of 16 octets"},
    {33, "R", X_SIGNATURE, "03 01 00", "algorithm: 1.2"},
    {34, "", X_CERTIFICATES, "30 00", "certificate of 16 octets"},
    {35, "", X_SIGNATURE, "30 00", "algorithm: 1.2"},
    {36, "", "02 01 07", "02 01 ff", "7"},
    {37, "", "69 23 30 21 " X_DOMAIN X_SUPPLIED, "69 02 30 00",
	"/ADMD=A/C=XX/"},
    {38, "mpR", "30 26 30 24 " X_DOMAIN "16 01 6d " X_SUPPLIED, "30 02 30 00",
	"/ADMD=A/C=XX/ m"},
    {39, "R", "30 10 " X_DOMAIN "16 01 6d", "30 0d " X_DOMAIN,
	"/ADMD=A/C=XX/ m"},
    {40, "m", "31 11 a0 0f " X_DIRECTORY_NAME, "31 00", "SET"},
    {41, "r", "30 13 31 11 a0 0f " X_NAME, "30 02 05 00", "SEQUENCE"},
    {42, "m", "31 0f " X_NAME, "31 02 60 00", "/ADMD=A/C=XX/"},
    {43, "r", "31 10 31 0e 02 01 01 31 09 " X_ALGORITHM X_BITS, "31 02 31 00",
	"SET"},
    {44, "r", "31 0e 31 0c 02 01 01 " X_TOKEN, "31 02 31 00", "SET"},
    {45, "m", "31 05 a0 03 80 01 05", "31 03 80 01 05", "SET"},
    {46, "r", "31 05 a0 03 80 01 05", "30 05 a0 03 80 01 05", "SET"},
};
#define EXT_VECTORS (sizeof(ext_vectors) / sizeof(ext_vectors[0]))

#endif
