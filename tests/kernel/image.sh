# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The machine the kernel boots into: an ext4 image of this checkout, its programs, and what of Debian the tests call, all copied from this
# machine. Needs KERNELS, TOP; mke2fs writes the image from a directory, so nothing is mounted.

# Packages whose programs the tests call.
GUEST_PACKAGES=(bash coreutils grep sed findutils mawk util-linux mount procps iproute2 kmod curl bpftool diffutils libc-bin hostname nftables iputils-ping)

# Copies files with the symbolic links on the way to them, below $1.
copy_in() {
	local root=$1
	tar --create --directory=/ --ignore-failed-read --no-recursion --files-from=- 2>/dev/null | tar --extract --directory="$root" --keep-directory-symlink
}

libraries_of() {
	ldd "$@" 2>/dev/null | grep -oE '/[^ ]+\.so[^ )]*' | sort -u
}

# Names relative to /usr where Debian's merged directories are meant: /bin/sh is usr/bin/sh in the image.
merged() {
	sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,; s,^/,,' | sort -u
}

# A link and what it leads to, all the way down.
with_targets() {
	local name target
	while read -r name; do
		while :; do
			echo "$name"
			[ -L "$name" ] || break
			target=$(readlink "$name")
			case $target in /*) name=$target ;; *) name=$(realpath -s "${name%/*}/$target") ;; esac
		done
	done
}

guest_programs() {
	dpkg -L "${GUEST_PACKAGES[@]}" 2>/dev/null | grep -E '^(/usr)?/s?bin/.' | with_targets
	echo /usr/bin/awk | with_targets
	echo /bin/sh | with_targets
}

guest_python() {
	local version
	version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') || return 1
	echo /usr/bin/python3 | with_targets
	find "/usr/lib/python$version" -name dist-packages -prune -o -name test -prune -o -name __pycache__ -prune -o -type f -print
	find "/usr/lib/python$version/lib-dynload" -name '*.so'
}

# make_tree DIRECTORY: everything but kernel and modules.
make_tree() {
	local tree=$1 link list
	mkdir -p "$tree"/{proc,sys,dev,run,tmp,root,etc,var/{lib,log,tmp,cache},srv,home,opt,mnt,media,work/build/tests/bpf,work/build/bpf} "$tree"/usr/{bin,sbin,lib,lib64}
	for link in bin sbin lib lib64; do ln -s "usr/$link" "$tree/$link"; done
	list=$(guest_programs && guest_python) || return 1
	# shellcheck disable=SC2046,SC2086 # names without blanks
	{
		echo "$list"
		libraries_of $(grep -E 'bin/|\.so' <<<"$list") "$TOP"/build/ringfence* "$TOP"/build/tests/bpf/* | with_targets
	} | merged | copy_in "$tree"
	(cd "$TOP" && cp -R tests policies scripts docs headers Makefile "$tree/work/" && cp build/ringfence{,d,-sockd,-checker} "$tree/work/build/" &&
		find build/tests/bpf -type f -executable -exec cp {} "$tree/work/build/tests/bpf/" \; && cp build/bpf/*.bpf.o "$tree/work/build/bpf/") || return 1
	clang --version | sed -n 's/.*version \([0-9]*\).*/\1/p' >"$tree/work/build/clang"
	printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tree/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
	printf '127.0.0.1 localhost\n' >"$tree/etc/hosts"
	printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$tree/etc/nsswitch.conf"
	: >"$tree/etc/resolv.conf"
	install -m 755 "$TOP/tests/kernel/guest" "$tree/usr/sbin/guest"
}

# make_image SUITE: $KERNELS/SUITE/image. Made anew each time: the programs are what is tested.
make_image() {
	local dir=$KERNELS/$1
	rm -rf "$dir/tree" "$dir/image"
	make_tree "$dir/tree" || return 1
	mkdir -p "$dir/tree/usr/lib/modules"
	cp -R "$dir/root/lib/modules/." "$dir/tree/usr/lib/modules/"
	mke2fs -q -t ext4 -O ^has_journal -d "$dir/tree" "$dir/image" 1200M || return 1
	rm -rf "$dir/tree"
}

# make_initramfs SUITE: $KERNELS/SUITE/initramfs: busybox and the modules without which the image cannot be read.
make_initramfs() {
	local dir=$KERNELS/$1 tree=$KERNELS/$1/initramfs.d release module link
	release=$(cat "$dir/release")
	rm -rf "$tree"
	mkdir -p "$tree"/{modules,proc,sys,dev,new}
	# Debian has it with and without libraries.
	{ echo /bin/busybox && libraries_of /bin/busybox; } | with_targets | merged | copy_in "$tree"
	mkdir -p "$tree"/usr/{bin,lib,lib64}
	for link in bin lib lib64; do ln -s "usr/$link" "$tree/$link"; done
	[ -x "$tree/bin/busybox" ] || return 1
	for module in virtio_pci virtio_blk; do
		modprobe -d "$dir/root" -S "$release" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++' | while read -r module; do
		basename "$module" .xz >>"$tree/modules/order"
		case $module in
		*.xz) xz -dc "$module" >"$tree/modules/$(basename "$module" .xz)" ;;
		*) cp "$module" "$tree/modules/" ;;
		esac
	done
	install -m 755 "$TOP/tests/kernel/initramfs-init" "$tree/init"
	(cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$dir/initramfs" && rm -rf "$tree"
}
