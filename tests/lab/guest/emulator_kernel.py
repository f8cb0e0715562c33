"""The emulator's kernel: Debian's, of the backports, as a package that is unpacked and never
installed. What is made of it is made once and kept in the cache: an uncompressed kernel, which
starts at once where the emulator would unpack a compressed one for six seconds; its modules; and
an initial file system that can mount the host's."""

import lzma
import pathlib
import re
import shutil
import struct
import subprocess
import zlib

from lab.guest import cache

PACKAGE = "linux-image-amd64"  # Names the newest; the general one, which has drivers of adapters.
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BOOT = pathlib.Path(__file__).with_name("emulator-boot.sh")
# In the order in which each finds what it needs; what a kernel has built in has no file.
BOOT_MODULES = ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
                "virtio_pci", "virtio_console", "fscache", "netfs", "9pnet", "9pnet_virtio", "9p",
                "overlay")


class KernelError(Exception):
    """Why there is no kernel for the emulator, in words."""


def _run(command, **options):
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise KernelError(f"{command[0]} failed: {' '.join(said[-3:]) or result.returncode}")
    return result.stdout


def _codename():
    release = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r'^VERSION_CODENAME="?(\w+)', release, re.MULTILINE)
    if not found or not re.search(r"^ID=\"?debian", release, re.MULTILINE):
        raise KernelError("the emulator's kernel is a package of Debian, and this is another system")
    return found.group(1)


def _mirrors(codename):
    """Where apt gets this system from, however its sources are written."""
    listed = _run(["apt-get", "--print-uris", "-o", "Dir::State::lists=/nonexistent", "update"])
    found = re.findall(rf"'(\S+)/dists/{codename}/(?:In)?Release'", listed)
    return list(dict.fromkeys(found))


def _apt_options(folder):
    """apt with lists of its own, so that the system's stay as they are."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    values = {"Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
              "Dir::State::lists": folder / "lists", "Dir::Cache::archives": folder / "archives",
              "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "root",
              "Acquire::Languages": "none", "APT::Get::List-Cleanup": "false"}
    return [word for key, value in values.items() for word in ("-o", f"{key}={value}")]


def _download(folder, options):
    """busybox, and the kernel whose name the package of no content tells."""
    _run(["apt-get", *options, "update", "--error-on=any"])
    depends = _run(["apt-cache", *options, "depends", "--important", PACKAGE])
    image = re.search(r"^\s+Depends: (linux-image-\S+)", depends, re.MULTILINE)
    if not image:
        raise KernelError(f"{PACKAGE} names no kernel")
    _run(["apt-get", *options, "download", image.group(1), "busybox-static"], cwd=folder)


def _fetch(folder):
    """Downloads the packages into 'folder', from the first mirror that has them."""
    codename = _codename()
    options = [*_apt_options(folder), "-t", f"{codename}-backports"]
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    failure = KernelError("apt knows no source of Debian's packages")
    for mirror in _mirrors(codename):
        lines = [f"deb {signed}{mirror} {suite} main\n" for suite in (codename, f"{codename}-backports")]
        (folder / "sources.list").write_text("".join(lines), encoding="utf-8")
        try:
            return _download(folder, options)
        except KernelError as error:
            failure = error
    raise failure


def _unpack_payload(payload):
    """What is packed in a bzImage."""
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc"], input=payload, capture_output=True, check=False).stdout
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    return zlib.decompressobj(31).decompress(payload)


def extract(image):
    """The ELF kernel in a bzImage; see the header's payload_offset in the kernel's boot protocol."""
    sectors, = struct.unpack_from("<B", image, 0x1f1)
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    try:
        kernel = _unpack_payload(image[start:start + length])
    except (lzma.LZMAError, zlib.error) as error:
        raise KernelError(f"the kernel cannot be unpacked: {error}") from error
    if kernel[:4] != b"\x7fELF":
        raise KernelError("the kernel's image is packed in a way that is not known here")
    return kernel


def _first_files(tree, busybox, modules):
    """The initial file system: busybox, the script, and modules that the root needs."""
    for name in ("bin", "dev", "modules", "lower", "upper", "root"):
        (tree / name).mkdir(parents=True)
    shutil.copy(busybox, tree / "bin/busybox")
    shutil.copy(BOOT, tree / "init")
    (tree / "init").chmod(0o755)
    for number, name in enumerate(BOOT_MODULES):
        for path in modules.glob(f"kernel/**/{name}.ko*"):
            octets = path.read_bytes()
            octets = lzma.decompress(octets) if path.suffix == ".xz" else octets
            (tree / f"modules/{number:02}-{name}.ko").write_bytes(octets)


def _make_initrd(folder, modules):
    tree = folder / "initrd.d"
    _first_files(tree, folder / "tree/bin/busybox", modules)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    packed = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names.encode(),
                            capture_output=True, check=True).stdout
    (folder / "initrd").write_bytes(packed)
    shutil.rmtree(tree)


def _make(folder):
    """All of it in 'folder', which is new."""
    scratch = folder / "apt"
    scratch.mkdir()
    _fetch(scratch)
    for package in scratch.glob("*.deb"):
        _run(["dpkg", "-x", package, folder / "tree"])
    shutil.rmtree(scratch)
    release = next((folder / "tree/lib/modules").iterdir()).name
    _run(["depmod", "-b", folder / "tree", release])
    (folder / "vmlinux").write_bytes(extract((folder / f"tree/boot/vmlinuz-{release}").read_bytes()))
    _make_initrd(folder, folder / "tree/lib/modules" / release)
    shutil.rmtree(folder / "tree/boot")


def find_or_make():
    """The folder with vmlinux, initrd and tree/lib/modules. The key is how it is made, not the
    kernel's version: one that is in the cache is kept, and nobody is asked for a newer one."""
    for program in ("apt-get", "dpkg", "depmod", "cpio", "zstd"):
        if not shutil.which(program):
            raise KernelError(f"there is no {program}")
    return cache.find_or_make("emulator", cache.key(pathlib.Path(__file__), BOOT), _make)
