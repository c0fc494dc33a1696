#!/bin/bash
# Two readers judge a capture with associations of every kind, also broken ones:
# our own decoder every octet of both directions, and an independent one what
# it can read.
# usage: streams.sh CAPTURE PORT[,PORT...]
# Prints what failed and 'wire: N passed, N failed'.
#
# tshark 4.0 cannot read the transfer PDUs of X.410 mode and of 1984: its session
# dissector hands user data of DT to presentation only in normal mode (X.225
# 7.11, X.226 8.4.2 have no PPDU there). Those connections only our decoder
# reads; their binds tshark reads too.
set -u
BIN=${BIN:-build/bin}
capture=$1 ports=$2
passed=0 failed=0
check() { # TEXT CONDITION...
	local text=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		[ -z "${VERBOSE:-}" ] || echo "wire: ok: $text"
	else
		failed=$((failed + 1))
		echo "wire: FAILED: $text"
	fi
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
decode_as=()
for p in ${ports//,/ }; do
	decode_as+=(-d "tcp.port==$p,tpkt")
done
read_capture() { tshark -r "$capture" "${decode_as[@]}" -o tcp.desegment_tcp_streams:TRUE \
	-o cotp.reassemble:TRUE -o rtse.reassemble:TRUE "$@" 2>>"$work/err"; }

# --- our decoder: one file a direction of each connection ---
read_capture -Y 'tcp.len > 0 && !tcp.analysis.retransmission' -T fields \
	-e tcp.stream -e tcp.dstport -e tcp.payload |
	awk -v ports=",$ports," -v dir="$work" '{
		side = index(ports, "," $2 ",") ? "initiator" : "responder"
		print $3 >> (dir "/" $1 "." side ".hex")
	}'
broken=""
for f in "$work"/*.hex; do
	"$BIN/isthmus" decode --input hex "$f" >"${f%.hex}.text" 2>"${f%.hex}.err" ||
		broken="$broken $(basename "$f"): $(cat "${f%.hex}.err")"
done
check "our decoder reads both directions of each connection${broken:+:$broken}" test -z "$broken"
has() { # TEXT PATTERN [SIDE]
	local n
	n=$(cat "$work"/*."${3:-*}".text | grep -cE "$2")
	check "$1 ($n)" test "$n" -gt 0
}
has "binds in normal mode" 'CP, normal mode' initiator
has "binds in X.410 mode" 'CP, X\.410 mode' initiator
has "messages" 'MTS-APDU: message' initiator
has "rerouted messages" 'rerouted' initiator
has "and the domain that was tried" 'AWAY' initiator
has "refused binds" 'MTABindError: authentication-error' responder
has "refused for now" 'MTABindError: busy' responder
has "activities that go on" 'session AR' initiator
has "checkpoints" 'session MIA' responder
x410=$(grep -lE 'CP, X\.410 mode' "$work"/*.initiator.text | sed -E 's|.*/([0-9]+)\..*|\1|')
for stream in $x410; do
	grep -q 'MTS-APDU: message' "$work/$stream.initiator.text" && carried=1
done
check "messages over X.410 mode" test -n "${carried:-}"

# --- the independent one ---
# Nor does it see, in a resumed activity, the octets before the checkpoint, which
# crossed on another association (X.228 7.8), and takes the rest for an APDU.
resumed=$(grep -lE 'session AR' "$work"/*.initiator.text | sed -E 's|.*/([0-9]+)\..*|\1|')
normal="tcp"
for stream in $x410 $resumed; do
	normal="$normal && tcp.stream != $stream"
done
read_capture -Y "$normal && tpkt" -V >"$work/text"
# A bind it reads only where it is the first in a capture (it takes the ROS
# operation of the last one for that of the next: "zero-byte P1 PDU").
strong=$(grep -lE 'credentials: strong' "$work"/*.initiator.text | head -1 | sed -E 's|.*/([0-9]+)\..*|\1|')
read_capture -Y "tcp.stream == ${strong:-0}" -w "$work/strong.pcap"
tshark -r "$work/strong.pcap" "${decode_as[@]}" -V >"$work/strong" 2>>"$work/err"
read_capture -Y "tpkt" -V >"$work/all"
count() { grep -cE -- "$1" "$work/${2:-text}"; }
malformed=$(awk '
	/type: 1\.3\.6\.1\.7\.1\./ { mixer = NR }
	/rtorj-apdu/ { refusal = NR }
	/Dissector for OID not implemented/ && mixer && NR - mixer <= 3 { next }
	/Unknown ROS PDU/ && refusal && NR - refusal <= 4 { next }
	/Malformed|BER Error|Unknown field|[Uu]nknown contents|Dissector is not|Dissector for OID|Unknown (PDU|SPDU|TPDU|operation|ROS)/ { print NR ": " $0 }
	' "$work/text" | head -5)
[ -z "$malformed" ] || echo "$malformed"
check "tshark finds nothing malformed and nothing unknown" test -z "$malformed"
names() { # TEXT PATTERN [FILE]
	check "tshark names $1 ($(count "$2" "${3:-text}"))" test "$(count "$2" "${3:-text}")" -gt 0
}
names "messages" 'MTS-APDU: message \(0\)'
names "rerouted messages" 'routing-action: rerouted \(1\)'
names "and the domain that was tried" 'attempted-domain'
names "refusals" 'SPDU Type: REFUSE \(RF\)'
names "resumed activities" 'SPDU Type: ACTIVITY RESUME' all
names "checkpoints" 'SPDU Type: MINOR SYNC ACK' all
names "strong credentials and their token" 'AsymmetricToken' strong
names "and the certificate" 'userCertificate' strong
names "X.410 mode" 'mode-value: x410-1984-mode' all
echo "wire: $passed passed, $failed failed"
[ "$failed" = 0 ]
