#!/bin/bash
# Style and structure: silent when all is well. Checks the layout of the code
# (clang-format), calls we do not use, who includes whom, marks left behind,
# the shell scripts, the manual pages.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0
say() {
	echo "$1"
	bad=1
}

mapfile -t C < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
mapfile -t SH < <(git ls-files --cached --others --exclude-standard '*.sh')

out=$(clang-format --dry-run -Werror "${C[@]}" 2>&1) ||
	say "$(grep 'error:' <<<"$out" | cut -d: -f1 | sort | uniq -c)
^ lines that clang-format would change (make format)"

out=$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|alloca|strtok)\(' "${C[@]}") &&
	say "calls we do not use:
$out"
out=$(grep -nwE 'TODO|FIXME|XXX|HACK' "${C[@]}" Makefile ./*/*.mk) &&
	say "marks left in the code:
$out"

# A room may include only rooms above it (docs/ARCHITECTURE.md).
declare -A may=(
	[lib]="lib" [asn1]="lib asn1" [mhs]="lib asn1 mhs"
	[osi]="lib asn1 osi" [p1]="lib asn1 mhs osi p1"
	[mixer]="lib asn1 mhs p1 mixer" [smtp]="lib mhs smtp"
	[qmgr]="lib mhs p1 qmgr" [ops]="lib asn1 mhs osi p1 mixer smtp qmgr ops"
)
# The main programs of the daemons and channels stand on qmgr's channel protocol
# and submission library: they are the rooms' upper floor.
daemon_re='^(osi/iaed|p1/x400p1|mixer/mixer_main|smtp/(smtpd|channel|smtp_main|lmtp_main))'
for f in "${C[@]}"; do
	room=${f%%/*}
	allowed=${may[$room]:-}
	[ -n "$allowed" ] || continue
	[[ $f =~ $daemon_re ]] && allowed="$allowed qmgr mhs"
	while IFS=: read -r line inc; do
		r=${inc%%/*}
		[[ " $allowed " == *" $r "* ]] ||
			say "$f:$line: $room/ may not include $inc"
	done < <(sed -nE '/#include "/{=;s/.*#include "([^"]+)".*/\1/p}' "$f" | paste -d: - -)
done

# Generated codec types stay in *_codec.c and its private headers.
out=$(grep -nE '#include <(asn_|ber_|der_|constr_|OCTET_STRING|INTEGER|Mts-|Pres-|Acse-|Rtse-|Ipms-|Ext-)' "${C[@]}" |
	grep -vE '^[a-z0-9]+/[a-z0-9_]*codec[a-z0-9_]*\.[ch]:') &&
	say "generated codec types outside *_codec files:
$out"

if command -v shellcheck >/dev/null; then
	out=$(shellcheck -x -S warning "${SH[@]}") || say "$out"
fi
if command -v mandoc >/dev/null; then
	mapfile -t MAN < <(git ls-files 'docs/*.[1-9]')
	if [ ${#MAN[@]} -gt 0 ]; then
		out=$(mandoc -T lint -W warning "${MAN[@]}") || say "$out"
	fi
fi
exit $bad
