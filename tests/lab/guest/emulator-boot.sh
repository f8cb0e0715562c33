#!/bin/busybox sh
# The first process in the emulator: mounts the host's files, read-only below a layer in memory, and goes on with
# init.py. The layer is a real file system to the programs (sockets, FIFOs, shared mappings, which 9p has not), and
# nothing that a test does reaches the host's files but what it writes into the job's folder.
# The kernel puts yokejob= and yokeinit= of its command line into the environment.
# shellcheck shell=dash
b=/bin/busybox job=${yokejob:?} init=${yokeinit:?}
files=trans=virtio,version=9p2000.L,msize=512000

fail() {
	echo "emulator: $*"
	$b poweroff -f
}

$b mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
	$b insmod "$module" || fail "cannot load $module"
done
$b mount -t 9p -o "ro,cache=loose,$files" root /lower || fail "cannot mount the host's files"
$b mount -t tmpfs -o mode=755,size=75% layer /upper || fail "cannot mount a layer in memory"
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /root ||
	fail "cannot mount the layer"
$b mount -t 9p -o "cache=none,$files" job "/root$job" || fail "cannot mount the job's folder"
$b umount /dev
exec $b switch_root /root "$init"
