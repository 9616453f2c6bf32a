# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the checks: which files are ours. The current directory is the top of the checkout.

# checkout_files [PATTERN...]: files of the checkout, new ones too, ignored ones not. root may not own the checkout (sudo, containers),
# which git refuses unless told; without git's data (a tarball) everything outside build/ counts.
checkout_files() {
	if [ -e .git ]; then
		git -c safe.directory="$PWD" ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
			[ ! -f "$file" ] || echo "$file"
		done
		return
	fi
	local pattern
	[ $# -gt 0 ] || set -- '*'
	for pattern in "$@"; do
		find . -path ./build -prune -o -type f -path "./$pattern" -print | sed 's|^\./||'
	done
}

# interpreter FILE: the first line of a script without "#!", nothing for other files.
interpreter() {
	head -c 64 -- "$1" | head -n 1 | tr -d '\0' | sed -n 's/^#!//p'
}
