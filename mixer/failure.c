/*
 * What a failed conversion means for its recipients: again later, or a
 * non-delivery with its X.411 reason and diagnostic (RFC 2156 5.3.8.2).
 */
#include "mixer/mixer.h"

static int32_t
reason_for(int32_t diagnostic)
{
	static const int32_t conversion[] = {
	    MHS_IMPRACTICAL_TO_CONVERT,
	    MHS_IMPLICIT_CONVERSION_PROHIBITED,
	    MHS_CONVERSION_WITH_LOSS_PROHIBITED,
	    MHS_LINE_TOO_LONG,
	    MHS_EITS_UNSUPPORTED,
	    MHS_CONTENT_TYPE_NOT_SUPPORTED,
	    MHS_CONTENT_SYNTAX_ERROR,
	};

	for (size_t i = 0; i < sizeof(conversion) / sizeof(conversion[0]); i++)
		if (conversion[i] == diagnostic)
			return MHS_CONVERSION_NOT_PERFORMED;
	return MHS_UNABLE_TO_TRANSFER;
}

/* Code 0 of the diagnostics is unrecognised-OR-name, which the mixer reports
 * as unsupported; elsewhere 0 means that nothing was said. */
static int32_t
diagnostic_for(int code, const struct err *e)
{
	if (e->detail > 0 || code == ERR_UNSUPPORTED)
		return e->detail;
	return code == ERR_LIMIT ? MHS_SIZE_CONSTRAINT_VIOLATION
				 : MHS_CONTENT_SYNTAX_ERROR;
}

bool
mixer_temporary(int code)
{
	return code == ERR_TEMPORARY || code == ERR_SYSTEM ||
	    code == ERR_MEMORY;
}

struct mixer_failure
mixer_failure_of(int code, const struct err *e)
{
	struct mixer_failure f = {.temporary = mixer_temporary(code)};

	if (f.temporary) {
		/* e->detail may hold errno */
		f.reason = MHS_UNABLE_TO_TRANSFER;
		f.diagnostic = MHS_DIAG_ABSENT;
		f.status = "4.3.0";
		return f;
	}
	f.diagnostic = diagnostic_for(code, e);
	f.reason = reason_for(f.diagnostic);
	/* RFC 2156 says 5.5.2 of what another MTA reports; here it is known
	 * that the content is at fault, not a command */
	f.status = f.diagnostic == MHS_CONTENT_SYNTAX_ERROR
	    ? "5.6.0"
	    : mhs_diag_to_status(f.reason, f.diagnostic);
	return f;
}
