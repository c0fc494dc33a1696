#!/bin/sh
# Installs the Debian packages named on the command line that are missing: as
# root directly, otherwise by sudo. Says nothing when all are there.
set -eu
missing=
for p in "$@"; do
	case $(dpkg-query -W -f='${Status}' "$p" 2>/dev/null) in
	*' ok installed') ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "make deps: these Debian packages are missing:$missing" >&2
		echo "make deps: not root, and there is no sudo; as root run:" >&2
		echo "  apt-get install$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "  DEPS  installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# --no-install-recommends keeps a gateway free of desktops; postfix and dovecot
# come as test peers only: policy-rc.d keeps their services from starting now
apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
	made_policy=1
fi
status=0
# shellcheck disable=SC2086 # a list of words
{ apt update && apt install --no-install-recommends $missing; } || status=1
[ -z "$made_policy" ] || $sudo rm -f "$policy"
if [ "$status" != 0 ]; then
	tail -20 "$log" >&2
	echo "make deps: apt-get could not install:$missing" >&2
	exit 1
fi
