# What the scripts share. Source it; it moves to the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# require_packages PACKAGE…: installs the Debian packages that are missing.
require_packages() {
    local missing=() package
    command -v dpkg-query >/dev/null || { echo "Not a Debian system: make sure that these are installed: $*"; return; }
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "missing packages; as root, run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null ||
        die "could not install ${missing[*]}; install them by hand and start again"
}

# What building the Swift package needs.
require_swift_build() {
    command -v swift >/dev/null || die "Swift 6.2 or later is needed: https://www.swift.org/install"
    require_packages libopenblas-dev liblapacke-dev ocl-icd-opencl-dev zlib1g-dev
}

# What building and testing the C core by itself needs.
require_c_build() {
    require_packages libopenblas-dev liblapacke-dev ocl-icd-opencl-dev pocl-opencl-icd zlib1g-dev cmake ninja-build \
        pkg-config g++
}
