# What a start says when it had to take a lower rung

load helpers
load images
load run

setup() {
	need_root
	DIR=$(scratch root)
	chmod 0755 "$DIR"
}
teardown() {
	[ -z "${IMG:-}" ] || images_teardown
	wait_for 5 rm -rf "${DIR:-/nonexistent}"
}

# stage: the programs in $DIR/bin, to be replaced there one by one
stage() {
	mkdir -p "$DIR/bin" "$DIR/share"
	cp "$BIN"/* "$DIR/bin/"
	cp -r "$BIN/../share/." "$DIR/share/"
	chmod -R a+rX "$DIR"
}

run_hello="run --rm --network none hello --nonsense"

@test "ids: with one alone a terminal is told so; nothing else is, nor who has a range" {
	local kind words="ids: only your own exists in the container"
	for kind in nosub sub; do
		mkdir "$DIR/$kind"
		chown "$(account $kind):" "$DIR/$kind"
		run as $kind script -qec "runner --root $DIR/$kind/root --runroot $DIR/$kind/run $run_hello" /dev/null
		assert_output_has "usage: hello"
		[ "$(grep -c "$words" <<<"$output")" = $([ $kind = nosub ] && echo 1 || echo 0) ]
		run as $kind runner --root $DIR/$kind/root --runroot $DIR/$kind/run $run_hello
		assert_output_has "usage: hello"
		[ "$(grep -c "$words" <<<"$output")" = 0 ]
	done
}

@test "root file system: fuse-overlay where the kernel refuses, named by --debug; a copy is told with the reason" {
	stage
	mkdir "$DIR"/{l,u,w,m}
	chmod 0777 "$DIR/u"
	# the kernel's overlay takes no upper folder on FUSE
	in_box() {
		status=0
		output=$(unshare -m --propagation private bash -c '
			fuse-overlay -o "lowerdir=$DIR/l,upperdir=$DIR/u,workdir=$DIR/w,allow_other" "$DIR/m" >"$DIR/log" 2>&1 </dev/null
			timeout 20 setpriv --reuid "$0" --regid "$1" --init-groups --inh-caps=-all env -i PATH="$DIR/bin:/usr/bin:/bin" \
				HOME="$DIR/m" runner --root "$DIR/m/root" --runroot "$DIR/m/run" "${@:2}" </dev/null
			code=$?; umount -l "$DIR/m"; exit $code' "$(account nosub)" "$(id -g "$(account nosub)")" "$@" 2>&1 3>&-) || status=$?
	}
	export DIR PATH=$DIR/bin:$PATH
	in_box --debug $run_hello
	[ "$status" = 2 ] || { echo "$output"; false; }
	assert_output_has "root file system: fuse-overlay; network: none"
	in_box $run_hello
	[ "$output" = "usage: hello [PORT]" ]
	in_box run --rm --network none --require rootfs=overlay hello --nonsense
	[ "$status" = 125 ]
	assert_output_has "--require rootfs=overlay: this host gives fuse-overlay"
	in_box --storage-opt mount_program=/nonexistent $run_hello
	[ "$status" = 125 ]
	mv "$DIR/bin/fuse-overlay" "$DIR/bin/moved"
	cat >"$DIR/bin/fuse-overlay" <<-END
		#!/bin/sh
		[ "\$(id -u)" = 0 ] && [ "\$HOME" != "$DIR/m" ] && exec $DIR/bin/moved "\$@"
		echo "fuse-overlay: no such luck" >&2
		exit 1
	END
	chmod 755 "$DIR/bin/fuse-overlay"
	in_box $run_hello
	[ "$status" = 2 ] || { echo "$output"; false; }
	assert_output_has "warning: root file system: a copy of the image's files, for want of better: native overlay"
	[ "$(grep -c warning <<<"$output")" = 1 ]
}

# old_kernel: $DIR/old.so, by which fsconfig() is as before Linux 6.5
old_kernel() {
	cc -shared -fPIC -O1 -o "$DIR/old.so" -x c - <<-'END'
		#include <errno.h>
		#include <linux/mount.h>
		#include <string.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)
		{
			static int bad = -1;

			if (key && strcmp(key, "lowerdir+") == 0) {
				bad = fd;
				return 0;
			}
			if (cmd == FSCONFIG_CMD_CREATE && fd == bad) {
				bad = -1;
				(void)write(2, "old kernel\n", 11);
				errno = EINVAL;
				return -1;
			}
			return syscall(SYS_fsconfig, fd, cmd, key, value, aux);
		}
	END
	chmod 755 "$DIR/old.so"
}

@test "root file system: native overlay on kernels before 6.5, which take any word and look at none until the end" {
	[ "${VARIANT:-release}" != asan ] || skip "the sanitizer wants to be the first library"
	old_kernel
	local kind
	for kind in nosub sub; do
		mkdir "$DIR/$kind"
		chown "$(account $kind):" "$DIR/$kind"
		SUITE_ENV="LD_PRELOAD=$DIR/old.so" run as $kind runner --root "$DIR/$kind/root" --runroot "$DIR/$kind/run" \
			run --rm --network none --require rootfs=overlay hello --nonsense
		# one that is old by its number is not asked at all
		[[ $(uname -r) == [45].* || $(uname -r) == 6.[0-4].* ]] || assert_output_has "old kernel"
		assert_output_has "usage: hello"
	done
}

@test "root file system: native overlay of a hundred layers on kernels before 6.5, whose one word takes some eighty" {
	[ "${VARIANT:-release}" != asan ] || skip "the sanitizer wants to be the first library"
	local kind i tars=()
	old_kernel
	images_setup
	mkdir "$DIR/l"
	for i in $(seq 100); do
		echo "$i" | tee "$DIR/l/top" >"$DIR/l/n$i"
		tar -C "$DIR/l" --owner=0 --group=0 -cf "$DIR/$i.tar" top "n$i"
		tars+=("$DIR/$i.tar")
	done
	python3 "$MKIMAGE" layout "$IMG/many" many:1 "$(layer busybox)" "${tars[@]}" --compress plain
	chmod -R a+rX "$IMG"
	for kind in nosub sub root; do
		mkdir "$DIR/$kind"
		chown "$(account $kind):" "$DIR/$kind"
		as $kind runner --root "$DIR/$kind/root" --runroot "$DIR/$kind/run" load -q -i "$IMG/many"
		SUITE_ENV="LD_PRELOAD=$DIR/old.so" run_as $kind runner --root "$DIR/$kind/root" --runroot "$DIR/$kind/run" \
			run --rm --network none --require rootfs=overlay many:1 /bin/busybox sh -c \
			'busybox ls / | busybox grep -c "^n[0-9]"; busybox cat /top /n1; echo new >/n1; busybox rm /n2; busybox cat /n1; busybox ls /n2 2>&1 || busybox echo gone'
		[ "$(grep -v "old kernel" <<<"$output" | tr '\n' ' ')" = "100 100 1 new ls: /n2: No such file or directory gone " ] || { echo "$output"; false; }
	done
	# the mount was made where nobody else sees it, also where mounts are shared, as systemd has them
	SUITE_ENV="LD_PRELOAD=$DIR/old.so" run_as root unshare -m sh -c "mount --make-rshared / &&
		runner --root $DIR/root/root --runroot $DIR/root/run run --rm --network none --require rootfs=overlay many:1 /bin/busybox true
		grep $DIR/root /proc/self/mounts; echo end"
	[ "$(grep -v "old kernel" <<<"$output")" = end ] || { echo "$output"; false; }
}

@test "network: what slirp-net warned of before it was ready" {
	stage
	mv "$DIR/bin/slirp-net" "$DIR/bin/real"
	printf '#!/bin/sh\necho "slirp-net: warning: no gateway: TCP goes another way" >&2\nexec %s "$@"\n' "$DIR/bin/real" \
		>"$DIR/bin/slirp-net"
	chmod 755 "$DIR/bin/slirp-net"
	mkdir "$DIR/nosub"
	chown "$(account nosub):" "$DIR/nosub"
	BIN=$DIR/bin run as nosub runner --root "$DIR/nosub/root" --runroot "$DIR/nosub/run" run --rm hello --nonsense
	[ "$status" = 2 ] || { echo "$output"; false; }
	assert_output_has "runner: warning: network: no gateway: TCP goes another way"
	[ "$(grep -c warning <<<"$output")" = 1 ]
	mv "$DIR/bin/real" "$DIR/bin/slirp-net"
	BIN=$DIR/bin run as nosub runner --root "$DIR/nosub/root" --runroot "$DIR/nosub/run" run --rm hello --nonsense
	[ "$output" = "usage: hello [PORT]" ]
}

@test "network: the path that was taken is named, recorded, and refused when it is too low" {
	stage
	mv "$DIR/bin/slirp-net" "$DIR/bin/real"
	mkdir "$DIR/sub"
	chown "$(account sub):" "$DIR/sub"
	go() { BIN=$DIR/bin run as sub runner --root "$DIR/sub/root" --runroot "$DIR/sub/run" "$@"; }
	for path in splice: tap:--no-splice packet:"--no-splice --no-tun"; do
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$DIR/bin/real" "${path#*:}" >"$DIR/bin/slirp-net"
		chmod 755 "$DIR/bin/slirp-net"
		go --debug run --name "n${path%%:*}" --require "network=${path%%:*}" hello --nonsense
		[ "$status" = 2 ] || { echo "$output"; false; }
		assert_output_has "network: ${path%%:*}; cgroups"
		go inspect "n${path%%:*}"
		jq -e --arg p "${path%%:*}" '[.. | .Network? // empty] | index($p) != null' <<<"$output"
	done
	# the last of the three is still there
	go run --rm --require network=tap hello --nonsense
	[ "$status" = 125 ]
	[ "$output" = "runner: run: --require network=tap: this host gives packet" ] || { echo "$output"; false; }
	go run --rm --require network=packet -p 0:80 hello --nonsense
	[ "$status" = 2 ]
	go run --rm --network none --require network=packet hello --nonsense
	[ "$status" = 125 ]
	[ "$output" = "runner: run: --require network=packet: --network none asks for none" ] || { echo "$output"; false; }
	go run --rm --require network=host hello --nonsense
	[ "$status" = 125 ]
	[ "$output" = "runner: run: --require network=host: that is --network host" ] || { echo "$output"; false; }
	go run --rm --network none --require network=none hello --nonsense
	[ "$status" = 2 ]
	go run --rm --network host --require network=splice hello --nonsense
	[ "$status" = 2 ]
	go rm -a
}
