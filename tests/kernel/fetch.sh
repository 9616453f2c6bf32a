# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian's cloud kernel of a release, by name, into $KERNELS/<suite>: vmlinuz and the module tree. apt works on files of its own below
# $KERNELS/apt, so the machine's sources, lists and status stay as they are. Needs KERNELS.

# suites_of KERNEL: where to look, best first.
suites_of() {
	case $1 in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	newest) echo trixie-backports sid ;;
	*) return 1 ;;
	esac
}

# The machine's own mirror; anything else would be a second opinion on where to download from.
mirror() {
	local uri
	# shellcheck disable=SC2016 # apt-get's variables
	uri=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian //p' | head -n 1)
	uri=${RINGFENCE_DEBIAN_MIRROR:-$uri}
	[ -n "$uri" ] || { echo "apt knows no Debian mirror: run 'apt-get update', or set RINGFENCE_DEBIAN_MIRROR" >&2 && return 1; }
	echo "$uri"
}

# private_apt SUITE PROGRAM ARGUMENT...
private_apt() {
	local root=$KERNELS/apt/$1 program=$2
	shift 2
	"$program" -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$root/state" \
		-o Dir::State::status="$root/state/status" -o Dir::Cache="$root/cache" -o APT::Architecture=amd64 -o APT::Sandbox::User=root \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}

make_apt_root() {
	local root=$KERNELS/apt/$1 from
	mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" || return 1
	: >"$root/state/status"
	from=$(mirror) || return 1
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $1 main" >"$root/sources.list"
}

# The versioned packages behind the name that every release has; since 7.x the image is in three of them.
kernel_packages() {
	local image release
	image=$(private_apt "$1" apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
	[ -n "$image" ] || return 1
	release=${image#linux-image-}
	private_apt "$1" apt-cache pkgnames | grep -xE "linux-(image|binary|modules)-${release//[.+]/\\&}"
}

# fetch_suite SUITE: success and $KERNELS/SUITE/{vmlinuz,release,root/lib/modules/<release>}; packages that are there are not fetched again.
fetch_suite() {
	local suite=$1 dir=$KERNELS/$1 packages
	[ -n "${KERNEL_REFRESH:-}" ] || [ -z "$(find "$dir/packages" -mtime -7 2>/dev/null)" ] || return 0
	make_apt_root "$suite" || return 1
	private_apt "$suite" apt-get -qq -o APT::Update::Error-Mode=any update || return 1
	packages=$(kernel_packages "$suite") || return 1
	[ "$packages" != "$(cat "$dir/packages" 2>/dev/null)" ] || { touch "$dir/packages" && return 0; }
	rm -rf "$dir"
	mkdir -p "$dir/deb" "$dir/unpacked" "$dir/root/lib"
	# shellcheck disable=SC2086 # one package a line
	(cd "$dir/deb" && private_apt "$suite" apt-get -qq download $packages) || return 1
	unpack "$dir" && echo "$packages" >"$dir/packages"
}

unpack() {
	local dir=$1 deb modules
	for deb in "$dir"/deb/*.deb; do
		dpkg-deb -x "$deb" "$dir/unpacked" || return 1
	done
	find "$dir/unpacked" -name 'vmlinuz*' -type f -exec cp {} "$dir/vmlinuz" \;
	modules=$(find "$dir/unpacked" -path '*/lib/modules' -type d)
	[ -f "$dir/vmlinuz" ] && [ -d "$modules" ] || return 1
	mv "$modules" "$dir/root/lib/modules"
	ls "$dir/root/lib/modules" >"$dir/release"
	depmod -b "$dir/root" "$(cat "$dir/release")" && rm -rf "$dir/unpacked" "$dir/deb"
}

# fetch_kernel KERNEL: prints the suite it came from. Offline, what is there from an earlier run serves.
fetch_kernel() {
	local suite
	for suite in $(suites_of "$1"); do
		if fetch_suite "$suite" >"$KERNELS/fetch-$1.log" 2>&1 || [ -f "$KERNELS/$suite/packages" ]; then
			echo "$suite"
			return 0
		fi
	done
	grep -m 1 '^E:' "$KERNELS/fetch-$1.log" >&2 || tail -n 1 "$KERNELS/fetch-$1.log" >&2
	return 1
}
