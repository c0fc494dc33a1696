# shellcheck shell=bash
# What the end-to-end tests share: checks that are counted, part by part, and
# the capture of what crosses the wire. Sourced after world.sh and story.sh.

passed=0 failed=0 all_failed=0
# shellcheck disable=SC2034 # set by start()
PID_tcpdump=""
row() { :; }
show() { cat >/dev/null; }
check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >/dev/null 2>&1; then
		passed=$((passed + 1))
		[ -z "${VERBOSE:-}" ] || echo "ok: $text"
	else
		failed=$((failed + 1))
		echo "FAILED: $text"
	fi
}
part() { # NAME: the sum of what was checked since the last
	echo "$1: $passed passed, $failed failed"
	all_failed=$((all_failed + failed))
	passed=0 failed=0
}

# Shows the logs when something failed, stops everything.
finish() { # LOG...
	local status=$?
	[ $status = 0 ] && [ "$all_failed" != 0 ] && status=1
	if [ $status != 0 ] && [ -n "$WORLD" ]; then
		tail -n 40 "$@" 2>/dev/null
	fi
	[ -z "${KEEP:-}" ] || echo "kept: $WORLD"
	world_stop
	exit $status
}

# A certification authority and what it certifies, in $PKI.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=Test CA" -days 2 -keyout "$PKI/ca.key" -out "$PKI/ca.pem"
}
certificate() { # FILE SUBJECT ALTERNATIVE-NAME
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \
		-keyout "$PKI/$1.key" -out "$PKI/$1.csr" &&
		openssl x509 -req -in "$PKI/$1.csr" -CA "$PKI/ca.pem" -CAkey "$PKI/ca.key" \
			-days 2 -extfile <(echo "subjectAltName=$3") -out "$PKI/$1.crt" &&
		cat "$PKI/$1.crt" "$PKI/$1.key" >"$PKI/$1.pem" && chmod 600 "$PKI/$1".*
}

capture_start() { # FILE PORT...
	local sudo=() filter=$2 file=$1
	[ "$(id -u)" = 0 ] || sudo=(sudo -n)
	shift 2
	filter="tcp port $filter$(printf ' or tcp port %s' "$@")"
	start tcpdump "${sudo[@]}" tcpdump -i lo -s 0 -U --immediate-mode -B 16384 -w "$file" "$filter"
	wait_for 5 grep -q 'listening on' "$WORLD/tcpdump.log"
}

child_of() { # PID NAME: pids of its descendants of that name
	local p
	for p in $(pgrep -P "$1"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$2" ] && echo "$p"
		child_of "$p" "$2"
	done
}
