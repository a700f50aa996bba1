# Finds, fetches and unpacks Debian's kernel packages, and builds the small initrd that mounts the shared root.
# Sourced by run. Nothing is installed: apt works on a private state that knows more suites than this machine does.
# shellcheck shell=bash disable=SC2016  # apt expands $(SITE)

vm_cache() {
  local dir=${XDG_CACHE_HOME:-$HOME/.cache}/wirespan-vm
  mkdir -p "$dir"
  realpath "$dir"
}

private_apt() {
  local tool=$1 cache
  shift
  cache=$(vm_cache)
  "$tool" -o Dir::State="$cache/apt/state" -o Dir::State::status=/dev/null -o Dir::Cache="$cache/apt/cache" \
    -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root \
    -o APT::Get::List-Cleanup=0 "$@"
}

# The mirror is the one this machine's own apt uses.
debian_mirror() {
  local site
  site=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' 2>/dev/null | grep -m1 '/debian/\?$') ||
    site=$(awk '/^URIs:/ && !/security/ {print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null)
  [ -n "$site" ] || site=$(awk '$1 == "deb" && !/security/ {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' /etc/apt/sources.list)
  [ -n "$site" ] && echo "$site"
}

refresh_lists() {
  local cache site suite
  cache=$(vm_cache)
  site=$(debian_mirror) || { echo "vm: apt has no Debian source to fetch kernels from" >&2; return 1; }
  mkdir -p "$cache"/apt/state/lists/partial "$cache"/apt/cache/archives/partial
  for suite in bullseye bookworm bookworm-backports trixie trixie-backports sid; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main"
  done >"$cache/apt/sources.list"
  private_apt apt-get -qq update >&2 || true # a suite that moved to the archive must not hide the others
}

# Package names of a series, lowest version first: linux-image-6.1.0-31-amd64, never the cloud, rt or unsigned ones.
packages_of() {
  local version
  if [ "$1" = newest ]; then version='[0-9]+[.][0-9]'; else version="${1//./[.]}[.+-]"; fi
  private_apt apt-cache search --names-only "^linux-image-${version}.*-amd64\$" | awk '{print $1}' |
    grep -E '^linux-image-[0-9]+\.[0-9]+[.+~-][0-9a-z.+~-]*-amd64$' | grep -Ev -- '-(cloud|rt)-amd64|unsigned|template|dbg' | sort -V
}

# unpack <package> <into>: fails if apt only knows the name.
unpack_kernel() {
  local package=$1 into=$2 debs part deb
  debs=$(mktemp -d "$(vm_cache)/deb.XXXXXX")
  rm -rf "$into"
  mkdir -p "$into/boot"
  if ! (cd "$debs" && private_apt apt-get -qq download "$package" >&2); then rm -rf "$debs"; return 1; fi
  for part in binary modules base; do # newer packages are split into these
    (cd "$debs" && private_apt apt-get -qq download "${package/image/$part}" >/dev/null 2>&1) || true
  done
  for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$into"; done
  rm -rf "$debs"
  if ! compgen -G "$into/boot/vmlinuz-*" >/dev/null; then
    mv "$into"/usr/lib/modules/*/vmlinuz "$into/boot/vmlinuz-${package#linux-image-}" 2>/dev/null || return 1
  fi
  [ -e "$into/lib" ] || ln -s usr/lib "$into/lib"
}

kernel_image() { compgen -G "$1/boot/vmlinuz-*"; }

# kernel_for <series>: prints the directory of the unpacked package; one process at a time fetches.
kernel_for() {
  local cache chosen package dir
  cache=$(vm_cache)
  chosen=$cache/chosen-$1
  exec 9>"$cache/lock"
  flock 9
  if [ ! -s "$chosen" ] || [ -n "${WIRESPAN_VM_REFRESH:-}" ]; then
    if [ ! -s "$cache/apt/sources.list" ] || [ -n "${WIRESPAN_VM_REFRESH:-}" ]; then refresh_lists || return 1; fi
    while read -r package; do
      dir=$cache/kernels/${package#linux-image-}
      if [ ! -d "$dir" ]; then
        echo "vm: fetching $package" >&2
        unpack_kernel "$package" "$dir.new" || { rm -rf "$dir.new"; continue; }
        mv "$dir.new" "$dir"
      fi
      echo "$dir" >"$chosen"
      break
    done < <(packages_of "$1" | tac)
  fi
  flock -u 9
  [ -s "$chosen" ] && cat "$chosen"
}

# initrd_for <kernel directory> <init script>: busybox, init, and the modules that 9p over virtio needs.
initrd_for() {
  local kernel=$1 init=$2 release root file name tool
  local initrd=$kernel/initrd
  exec 9>"$(vm_cache)/lock"
  flock 9
  if [ ! -s "$initrd" ] || [ "$init" -nt "$initrd" ] || [ "${BASH_SOURCE[0]}" -nt "$initrd" ]; then
    for tool in busybox cpio depmod; do
      PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || { echo "vm: $tool is missing (tools/setup test)" >&2; return 1; }
    done
    release=$(kernel_image "$kernel")
    release=${release##*/vmlinuz-}
    /usr/sbin/depmod -b "$kernel" "$release"
    root=$(mktemp -d)
    mkdir -p "$root"/{bin,modules,proc,sys,dev,lower,over,new,job}
    cp "$(command -v busybox)" "$root/bin/busybox"
    install -m 755 "$init" "$root/init"
    for name in virtio_pci virtio_console virtio_rng 9pnet_virtio 9p overlay; do
      /usr/sbin/modprobe -d "$kernel" -S "$release" --show-depends "$name" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r file; do
      name=$(basename "$file")
      case $name in
        *.xz) xz -dc "$file" >"$root/modules/${name%.xz}" ;;
        *.zst) zstd -qdc "$file" >"$root/modules/${name%.zst}" ;;
        *) cp "$file" "$root/modules/" ;;
      esac
      name=${name%.xz}
      echo "${name%.zst}" >>"$root/module_order"
    done
    (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$initrd.new"
    mv "$initrd.new" "$initrd"
    rm -rf "$root"
  fi
  flock -u 9
  echo "$initrd"
}
