#!/bin/bash
# Installs the Debian packages that Jikji needs and this machine lacks. The only list of them.
#   tools/install-packages.sh          what building, running and testing take
#   tools/install-packages.sh check    also what sanitizers and fuzzers take (clang)
set -eu

build=(gcc g++ make cmake ninja-build pkg-config libc6-dev libopenmpi-dev openmpi-bin
       libyaml-dev libpcre2-dev libicu-dev libzstd-dev libxxhash-dev libxml2-dev zlib1g-dev)
faster=(libdeflate-dev)  # archives inflate 2.5 times as fast; the build does without
check=(clang llvm libomp-dev libclang-rt-dev)

wanted=("${build[@]}")
[ "${1:-}" != check ] || wanted+=("${check[@]}")

if ! command -v dpkg-query > /dev/null; then
    echo "jikji: not a Debian system; the build needs what Debian calls: ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}" "${faster[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2> /dev/null || true)
    [[ $state == ii* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
needed=0  # without what is missing there is no build
[ "${missing[*]}" = "${faster[*]}" ] || needed=1

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo > /dev/null && { [ -t 0 ] || sudo -n true 2> /dev/null; }; then
        as_root=(sudo)
    else
        echo "jikji: these packages are missing, and installing them needs root:" >&2
        echo "    apt-get install ${missing[*]}" >&2
        exit $needed
    fi
fi
echo "installing: ${missing[*]}" >&2
"${as_root[@]}" apt-get -qq update < /dev/null || exit $needed
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" < /dev/null > /dev/null ||
    exit $needed
