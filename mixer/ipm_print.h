/*
 * P2, P22 and P772 contents as text for a person (`isthmus decode`): one
 * attribute a line, two spaces of indent a level.
 *
 * Military heading extensions (STANAG 4406) are named. Text of unknown
 * repertoire is shown with its control characters escaped, and long octets
 * are cut, so that no content can disturb a terminal.
 */
#ifndef MIXER_IPM_PRINT_H
#define MIXER_IPM_PRINT_H

#include "lib/buf.h"
#include "lib/err.h"

/* Appends the text of one content. Negative when it is no IPM or IPN; what was
 * appended until then stays. */
int mixer_ipm_print(const uint8_t *p, size_t n, struct buf *out, struct err *e);

#endif
