SRCS += asn1/ber_cursor.c asn1/ber_header.c asn1/ber_normalise.c \
	asn1/ber_oid.c asn1/ber_scan.c asn1/ber_write.c asn1/dump.c \
	asn1/oid_names.c
