#include "mhs/fields.h"

#include <stddef.h>

#define AT(m) .offset = offsetof(S, m), .size = sizeof(((S *)0)->m)
#define COUNT(m) .count = offsetof(S, m)
#define SUB(r) .sub = &(r)
#define WORDS(w) .show = MHS_SHOW_WORDS, .words = (w)
#define RANGE(lo, hi) .min = (lo), .max = (hi)
#define RECORD(f)                                          \
	{                                                  \
		(f), sizeof(f) / sizeof((f)[0]), sizeof(S) \
	}

#define EXTS_MAX 1024
#define BILATERAL_MAX 512

static const char *const kind_words[] = {"message", "probe", "report"};
static const char *const priority_words[] = {"normal", "non-urgent", "urgent"};
static const char *const action_words[] = {"relayed", "rerouted"};
static const char *const request_words[] = {
    "no-report", "non-delivery-report", "report"};
static const char *const report_words[] = {
    "delivered", "not-delivered", "delayed"};

#define S struct mhs_domain
static const struct mhs_field domain_fields[] = {
    {1, MHS_FIELD_TEXT, AT(country), .name = "country"},
    {2, MHS_FIELD_TEXT, AT(admd), .name = "admd"},
    {3, MHS_FIELD_TEXT, AT(prmd), .name = "prmd"},
};
static const struct mhs_record domain_record = RECORD(domain_fields);
#undef S

#define S struct mhs_mts_id
static const struct mhs_field mts_id_fields[] = {
    {1, MHS_FIELD_STRUCT, AT(domain), SUB(domain_record), .name = "domain"},
    {2, MHS_FIELD_TEXT, AT(local), .name = "local"},
};
static const struct mhs_record mts_id_record = RECORD(mts_id_fields);
#undef S

#define S struct mhs_or_attr
static const struct mhs_field attr_fields[] = {
    {1, MHS_FIELD_ENUM, AT(type), RANGE(0, MHS_OR_TYPES - 1), .name = "type"},
    {2, MHS_FIELD_ENUM, AT(form), RANGE(0, MHS_OR_RAW), .name = "form"},
    {3, MHS_FIELD_OCTETS, AT(value), COUNT(n), .name = "value"},
    {4, MHS_FIELD_OCTETS, AT(dda_type), COUNT(dda_type_n), .name = "dda-type"},
    {5, MHS_FIELD_I32, AT(ext_type), .name = "extension-type"},
};
static const struct mhs_record attr_record = RECORD(attr_fields);
#undef S

#define S struct mhs_or
static const struct mhs_field or_fields[] = {
    {1, MHS_FIELD_LIST, AT(attrs), COUNT(n_attrs), SUB(attr_record),
	.most = MHS_OR_ATTRS_MAX, .name = "attribute"},
    {2, MHS_FIELD_OCTETS, AT(directory_name), COUNT(directory_name_n),
	.name = "directory-name"},
};
static const struct mhs_record or_record = RECORD(or_fields);
#undef S

#define S struct mhs_name
static const struct mhs_field name_fields[] = {
    {1, MHS_FIELD_POINTER, AT(ora), SUB(or_record), .name = "or"},
    {2, MHS_FIELD_TEXT, AT(mailbox), .name = "mailbox"},
};
static const struct mhs_record name_record = RECORD(name_fields);
#undef S

#define S struct mhs_ext
static const struct mhs_field ext_fields[] = {
    {1, MHS_FIELD_I32, AT(type), .always = true, .name = "type"},
    {2, MHS_FIELD_TEXT, AT(oid), .name = "oid"},
    {3, MHS_FIELD_U8, AT(criticality), .show = MHS_SHOW_CRITICALITY,
	.name = "critical-for"},
    {4, MHS_FIELD_OCTETS, AT(value), COUNT(n), .name = "value"},
};
static const struct mhs_record ext_record = RECORD(ext_fields);
#undef S

#define S struct mhs_exts
static const struct mhs_field exts_fields[] = {
    {1, MHS_FIELD_LIST, AT(v), COUNT(n), SUB(ext_record), .most = EXTS_MAX,
	.name = "extension"},
};
static const struct mhs_record exts_record = RECORD(exts_fields);
#undef S

#define S struct mhs_trace
static const struct mhs_field trace_fields[] = {
    {1, MHS_FIELD_BOOL, AT(internal), .name = "internal"},
    {2, MHS_FIELD_STRUCT, AT(domain), SUB(domain_record),
	.show = MHS_SHOW_DOMAIN, .name = "domain"},
    {3, MHS_FIELD_TEXT, AT(mta), .name = "mta"},
    {4, MHS_FIELD_I64, AT(arrival), .show = MHS_SHOW_TIME, .name = "arrival"},
    {5, MHS_FIELD_ENUM, AT(action), WORDS(action_words), RANGE(0, 1),
	.name = "action"},
    {6, MHS_FIELD_I64, AT(deferred), .show = MHS_SHOW_TIME, .name = "deferred"},
    {7, MHS_FIELD_STRUCT, AT(attempted), SUB(domain_record),
	.show = MHS_SHOW_DOMAIN, .name = "attempted"},
    {8, MHS_FIELD_TEXT, AT(attempted_mta), .name = "attempted-mta"},
    {9, MHS_FIELD_U8, AT(other_actions), .show = MHS_SHOW_OTHER_ACTIONS,
	.name = "other-actions"},
    {10, MHS_FIELD_OCTETS, AT(converted_eits), COUNT(converted_eits_n),
	.name = "converted-eits"},
    {11, MHS_FIELD_TEXT, AT(received), .name = "received"},
};
static const struct mhs_record trace_record = RECORD(trace_fields);
#undef S

#define S struct mhs_recipient
static const struct mhs_field recipient_fields[] = {
    {1, MHS_FIELD_STRUCT, AT(name), SUB(name_record), .show = MHS_SHOW_NAME,
	.name = "name"},
    {2, MHS_FIELD_I32, AT(number), .name = "number"},
    {3, MHS_FIELD_BOOL, AT(responsible), .name = "responsible"},
    {4, MHS_FIELD_ENUM, AT(originator_report), WORDS(request_words),
	RANGE(0, 2), .name = "originator-report"},
    {5, MHS_FIELD_ENUM, AT(mta_report), WORDS(request_words), RANGE(0, 2),
	.name = "mta-report"},
    {6, MHS_FIELD_BOOL, AT(audit), .name = "audit"},
    {7, MHS_FIELD_I32, AT(explicit_conversion), .absent_is_minus = true,
	.always = true, .name = "explicit-conversion"},
    {8, MHS_FIELD_STRUCT, AT(exts), SUB(exts_record), .show = MHS_SHOW_INLINE,
	.name = "extensions"},
    {9, MHS_FIELD_U8, AT(notify), .show = MHS_SHOW_NOTIFY, .name = "notify"},
    {10, MHS_FIELD_TEXT, AT(orcpt), .name = "orcpt"},
    {11, MHS_FIELD_TEXT, AT(peer), .name = "peer"},
    {12, MHS_FIELD_I64, AT(rrvs), .show = MHS_SHOW_TIME, .name = "rrvs"},
    {13, MHS_FIELD_CHAR, AT(rrvs_mode), .name = "rrvs-mode"},
};
static const struct mhs_record recipient_record = RECORD(recipient_fields);
#undef S

#define S struct mhs_report_recipient
static const struct mhs_field report_recipient_fields[] = {
    {1, MHS_FIELD_STRUCT, AT(actual), SUB(name_record), .show = MHS_SHOW_NAME,
	.name = "actual"},
    {2, MHS_FIELD_STRUCT, AT(intended), SUB(name_record), .show = MHS_SHOW_NAME,
	.name = "intended"},
    {3, MHS_FIELD_I32, AT(number), .name = "number"},
    {4, MHS_FIELD_ENUM, AT(type), WORDS(report_words), RANGE(0, 2),
	.always = true, .name = "type"},
    {5, MHS_FIELD_I64, AT(delivery_time), .show = MHS_SHOW_TIME,
	.name = "delivery-time"},
    {6, MHS_FIELD_I32, AT(user_type), .absent_is_minus = true, .always = true,
	.name = "user-type"},
    {7, MHS_FIELD_I32, AT(reason), .show = MHS_SHOW_REASON, .always = true,
	.name = "reason"},
    {8, MHS_FIELD_I32, AT(diagnostic), .show = MHS_SHOW_DIAGNOSTIC,
	.absent_is_minus = true, .always = true, .name = "diagnostic"},
    {9, MHS_FIELD_TEXT, AT(supplementary), .name = "supplementary"},
    {10, MHS_FIELD_BOOL, AT(mta_report_only), .name = "mta-report-only"},
    {11, MHS_FIELD_I64, AT(last_trace_arrival), .show = MHS_SHOW_TIME,
	.name = "last-trace-arrival"},
    {12, MHS_FIELD_OCTETS, AT(converted_eits), COUNT(converted_eits_n),
	.name = "converted-eits"},
    {13, MHS_FIELD_STRUCT, AT(exts), SUB(exts_record), .show = MHS_SHOW_INLINE,
	.name = "extensions"},
    {14, MHS_FIELD_TEXT, AT(status), .name = "status"},
    {15, MHS_FIELD_TEXT, AT(diag_text), .name = "diagnostic-text"},
    {16, MHS_FIELD_TEXT, AT(remote_mta), .name = "remote-mta"},
    {17, MHS_FIELD_TEXT, AT(orcpt), .name = "orcpt"},
    {18, MHS_FIELD_BOOL, AT(relayed), .name = "relayed"},
    {19, MHS_FIELD_U8, AT(indicators), .name = "indicators"},
};
static const struct mhs_record report_recipient_record =
    RECORD(report_recipient_fields);
#undef S

#define S struct mhs_report
static const struct mhs_field report_fields[] = {
    {1, MHS_FIELD_STRUCT, AT(subject), SUB(mts_id_record),
	.show = MHS_SHOW_MTS_ID, .name = "subject"},
    {2, MHS_FIELD_TEXT, AT(subject_envid), .name = "subject-envid"},
    {3, MHS_FIELD_TEXT, AT(content_identifier), .name = "content-identifier"},
    {4, MHS_FIELD_LIST, AT(subject_trace), COUNT(n_subject_trace),
	SUB(trace_record), .most = MHS_TRACE_MAX, .name = "subject-trace"},
    {5, MHS_FIELD_ENUM, AT(content_type), RANGE(-1, INT32_MAX),
	.show = MHS_SHOW_CONTENT, .absent_is_minus = true, .always = true,
	.name = "content-type"},
    {6, MHS_FIELD_TEXT, AT(content_oid), .name = "content-oid"},
    {7, MHS_FIELD_OCTETS, AT(original_eits), COUNT(original_eits_n),
	.name = "original-eits"},
    {8, MHS_FIELD_BOOL, AT(content_returned), .name = "content-returned"},
    {9, MHS_FIELD_TEXT, AT(reporting_mta), .name = "reporting-mta"},
    {10, MHS_FIELD_I64, AT(arrival), .show = MHS_SHOW_TIME, .name = "arrival"},
    {11, MHS_FIELD_STRUCT, AT(exts), SUB(exts_record), .show = MHS_SHOW_INLINE,
	.name = "extensions"},
    {12, MHS_FIELD_LIST, AT(recipients), COUNT(n_recipients),
	SUB(report_recipient_record), .most = MHS_RECIPIENTS_MAX,
	.name = "reported-recipient"},
    {13, MHS_FIELD_I64, AT(deliver_by), .show = MHS_SHOW_TIME,
	.name = "deliver-by"},
};
static const struct mhs_record report_record = RECORD(report_fields);
#undef S

#define S struct mhs_envelope
static const struct mhs_field envelope_fields[] = {
    {1, MHS_FIELD_ENUM, AT(kind), WORDS(kind_words), RANGE(0, 2),
	.always = true, .name = "kind"},
    {2, MHS_FIELD_STRUCT, AT(id), SUB(mts_id_record), .show = MHS_SHOW_MTS_ID,
	.name = "mts-identifier"},
    {3, MHS_FIELD_STRUCT, AT(originator), SUB(name_record),
	.show = MHS_SHOW_NAME, .name = "originator"},
    {4, MHS_FIELD_ENUM, AT(content_type), RANGE(-1, INT32_MAX),
	.show = MHS_SHOW_CONTENT, .always = true, .name = "content-type"},
    {5, MHS_FIELD_TEXT, AT(content_oid), .name = "content-oid"},
    {6, MHS_FIELD_OCTETS, AT(original_eits), COUNT(original_eits_n),
	.name = "original-eits"},
    {7, MHS_FIELD_TEXT, AT(content_identifier), .name = "content-identifier"},
    {8, MHS_FIELD_ENUM, AT(priority), WORDS(priority_words), RANGE(0, 2),
	.always = true, .name = "priority"},
    {9, MHS_FIELD_BOOL, AT(disclosure_of_other_recipients),
	.name = "disclosure-of-other-recipients"},
    {10, MHS_FIELD_BOOL, AT(implicit_conversion_prohibited),
	.name = "implicit-conversion-prohibited"},
    {11, MHS_FIELD_BOOL, AT(alternate_recipient_allowed),
	.name = "alternate-recipient-allowed"},
    {12, MHS_FIELD_BOOL, AT(content_return_request),
	.name = "content-return-request"},
    {13, MHS_FIELD_BOOL, AT(reserved_bit), .name = "reserved-bit"},
    {14, MHS_FIELD_BOOL, AT(bit5_notification), .name = "bit5-notification"},
    {15, MHS_FIELD_BOOL, AT(bit6_service), .name = "bit6-service"},
    {16, MHS_FIELD_I64, AT(deferred_delivery), .show = MHS_SHOW_TIME,
	.name = "deferred-delivery"},
    {17, MHS_FIELD_OCTETS_LIST, AT(bilateral), COUNT(n_bilateral),
	.sizes = offsetof(S, bilateral_n), .most = BILATERAL_MAX,
	.name = "bilateral-information"},
    {18, MHS_FIELD_U64, AT(content_length), .name = "content-length"},
    {19, MHS_FIELD_LIST, AT(trace), COUNT(n_trace), SUB(trace_record),
	.most = MHS_TRACE_MAX, .name = "trace"},
    {20, MHS_FIELD_STRUCT, AT(exts), SUB(exts_record), .show = MHS_SHOW_INLINE,
	.name = "extensions"},
    {21, MHS_FIELD_LIST, AT(recipients), COUNT(n_recipients),
	SUB(recipient_record), .most = MHS_RECIPIENTS_MAX, .name = "recipient"},
    {22, MHS_FIELD_POINTER, AT(report), SUB(report_record), .name = "report"},
    {23, MHS_FIELD_TEXT, AT(envid), .name = "envid"},
    {24, MHS_FIELD_CHAR, AT(ret), .name = "ret"},
    {25, MHS_FIELD_BOOL, AT(body_8bitmime), .name = "body-8bitmime"},
    {26, MHS_FIELD_BOOL, AT(smtputf8), .name = "smtputf8"},
    {27, MHS_FIELD_TEXT, AT(source_peer), .name = "source-peer"},
    {28, MHS_FIELD_TEXT, AT(source_channel), .name = "source-channel"},
    {29, MHS_FIELD_I64, AT(arrival), .show = MHS_SHOW_TIME, .name = "arrival"},
    {30, MHS_FIELD_ID, AT(parent), .name = "parent"},
    {31, MHS_FIELD_BOOL, AT(bit7_service_message), .name = "service-message"},
    {32, MHS_FIELD_BOOL, AT(content_length_absent),
	.name = "content-length-absent"},
    {33, MHS_FIELD_ID, AT(settles), .name = "settles"},
    {34, MHS_FIELD_U8, AT(settled_as), .name = "settled-as"},
    {35, MHS_FIELD_OCTETS, AT(settled), .count = offsetof(S, settled_n),
	.name = "settled-recipients"},
    {36, MHS_FIELD_BOOL, AT(body_binary), .name = "body-binary"},
    {37, MHS_FIELD_BOOL, AT(requiretls), .name = "requiretls"},
    {38, MHS_FIELD_BOOL, AT(has_mt_priority), .name = "has-mt-priority"},
    {39, MHS_FIELD_ENUM, AT(mt_priority), RANGE(-9, 9), .name = "mt-priority"},
    {40, MHS_FIELD_I64, AT(deliver_by), .show = MHS_SHOW_TIME,
	.name = "deliver-by"},
    {41, MHS_FIELD_CHAR, AT(deliver_by_mode), .name = "deliver-by-mode"},
    {42, MHS_FIELD_BOOL, AT(deliver_by_trace), .name = "deliver-by-trace"},
    {43, MHS_FIELD_TEXT, AT(mtrk), .name = "mtrk"},
    {44, MHS_FIELD_TEXT, AT(submitter), .name = "submitter"},
    {45, MHS_FIELD_TEXT, AT(source_user), .name = "source-user"},
    {46, MHS_FIELD_BOOL, AT(tls_optional), .name = "tls-optional"},
};
const struct mhs_record mhs_envelope_record = RECORD(envelope_fields);
#undef S
