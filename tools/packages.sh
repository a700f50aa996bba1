# The Debian packages that wirespan needs, by what for. Read by tools/setup.
# shellcheck shell=bash disable=SC2034

build_packages=(
  g++ cmake ninja-build ccache mold pkg-config git ca-certificates curl
  python3                                                   # puts the page into the gateway
  clang-19 llvm-19 lld-19                                   # BPF objects, fuzzing; one LLVM for all
  libelf-dev zlib1g-dev                                     # libbpf's own needs, gzip
  libgrpc++-dev protobuf-compiler-grpc protobuf-compiler libprotobuf-dev libabsl-dev
  libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev
  libboost1.81-dev libssl-dev libcrypt-dev libnghttp2-dev nlohmann-json3-dev
  libisal-dev libzstd-dev libexpected-dev libxxhash-dev libre2-dev
)

# Newer than Debian 12's own; bookworm-backports has them.
backports_packages=(libbpf-dev bpftool opentelemetry-proto)

test_packages=(
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  libhttp-parser-dev                                        # oracle for the HTTP/1 parser
  libclang-rt-19-dev clang-format-19 clang-tidy-19 shellcheck pyflakes3 yamllint gcovr
  nginx-light apache2 apache2-utils haproxy curl wrk openssl python3 python3-venv
  nghttp2-client nghttp2-server                             # h2load, nghttp, nghttpd
  prometheus                                                # promtool lints the exposition
  buildah python3-yaml                                      # images; reading rendered manifests
  podman netavark aardvark-dns runc                         # runs deploy/compose
  rpm patchelf mmdebstrap                                   # packages, and an old system to try them in
  iproute2 nftables procps systemd util-linux               # systemd-analyze, setpriv
  g++-aarch64-linux-gnu qemu-user-static                    # tools/cross, and starting what it made
  qemu-system-x86 busybox-static cpio kmod xz-utils         # kernel tests on other kernels
)
test_packages+=(chromium fonts-dejavu-core)                 # the page's tests
# The page is built by npm. A machine's own node is as good as Debian's; a node of others brings its npm.
command -v node >/dev/null || build_packages+=(nodejs)
command -v npm >/dev/null || build_packages+=(npm)
# Programs that the tests observe come from Debian only where the machine has none of its own.
# Go from backports, because from 1.21 on it fetches the release that a go.mod asks for.
test_backports_packages=()
command -v go >/dev/null || test_backports_packages+=(golang-go)
command -v javac >/dev/null || test_packages+=(default-jdk-headless)
