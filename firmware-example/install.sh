# Installing Debian packages and what rustup has: for run.sh, which sources this file, and for `cargo xtask`, which calls it as a program.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
stop() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null; }

# Adds targets to the pinned toolchain, which it sees to first, or stops.
ensure_rust_targets() {
    local toolchain target
    have rustup || stop "rustup is missing; install it and try again"
    toolchain=$(pinned_toolchain)
    rustup run "$toolchain" rustc --version &>/dev/null || rustup toolchain install "$toolchain" --profile minimal >&2 \
        || stop "rustup could not install Rust $toolchain"
    for target in "$@"; do
        rustup target add --toolchain "$toolchain" "$target" &>/dev/null || stop "rustup could not add the target $target"
    done
}

pinned_toolchain() { sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml; }

# Installs packages; what it does is said first. Where it can't, says what to type and returns 1. (Each step is followed by its
# own way out, because `set -e` does nothing in a function that stands before `||`.)
install_packages() {
    have apt-get || { say "missing: $*. Install them with this system's package manager and try again"; return 1; }
    local as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        # Sudo that asks for a password is of use only where somebody can type one.
        if have sudo && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
            as_root=(sudo)
        else
            say "missing: $*. As root, type this and try again:" \
                "apt-get update && apt-get install --no-install-recommends $*"
            return 1
        fi
    fi
    # `env`, because sudo may drop variables set before it. The lock: a freshly started Ubuntu upgrades itself first.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet -o DPkg::Lock::Timeout=120)
    say "installing by apt: $*"
    "${apt[@]}" update >&2 || { say "apt-get update failed"; return 1; }
    # --no-remove: what somebody has installed stays.
    local install=(install --yes --no-remove --no-install-recommends)
    if ! apt-get --simulate "${install[@]}" "$@" &>/dev/null && has_qemu_from_backports; then
        # Debian 12 with parts of QEMU from bookworm-backports: the rest must come from there too.
        say "QEMU's other packages are from bookworm-backports, so it is taken from there"
        add_backports_suite "${as_root[@]}" || return 1
        "${apt[@]}" update >&2 || { say "apt-get update failed"; return 1; }
        install+=(-t bookworm-backports)
    fi
    "${apt[@]}" "${install[@]}" "$@" >&2 || { say "apt-get could not install $*"; return 1; }
}

has_qemu_from_backports() {
    dpkg-query --show --showformat '${db:Status-Abbrev} ${Version}\n' 'qemu-*' 2>/dev/null \
        | grep '^ii .*~bpo12+' >/dev/null
}

# Adds bookworm-backports to the apt source that has bookworm. $@: the words that make a command run as root.
add_backports_suite() {
    local folder=/etc/apt/sources.list.d source
    # Already there, in whatever kind of file.
    ! apt-cache policy 2>/dev/null | grep 'n=bookworm-backports' >/dev/null || return 0
    ! grep -qsE '^Suites:.*[[:space:]]bookworm-backports([[:space:]]|$)' "$folder"/*.sources || return 0
    source=$(grep -lsE '^Suites:(.*[[:space:]])?bookworm([[:space:]]|$)' "$folder"/*.sources | head -n 1)
    if [[ -z $source ]]; then
        say "no file $folder/*.sources has the suite bookworm; add bookworm-backports to apt's sources by hand"
        return 1
    fi
    say "adding the suite bookworm-backports to $source"
    "$@" sed -i -E '/^Suites:(.*[[:space:]])?bookworm([[:space:]]|$)/ s/[[:space:]]*$/ bookworm-backports/' "$source"
}

# The package with a program. QEMU's RISC-V machines have moved from one package to another.
package_of() {
    case $1 in
        qemu-system-arm | qemu-system-aarch64) echo qemu-system-arm ;;
        qemu-system-riscv32)
            if has_qemu_from_backports || apt-cache show qemu-system-riscv &>/dev/null; then
                echo qemu-system-riscv
            else
                echo qemu-system-misc
            fi ;;
        node) echo nodejs ;;
        *) echo "$1" ;;
    esac
}

# Makes sure of a program by the package that has it, or stops.
ensure_program_of_package() { have "$1" || install_packages "$(package_of "$1")" || stop "there is no $1"; }

# As a program, for `cargo xtask`: install.sh FUNCTION ARGUMENT…
[[ ${BASH_SOURCE[0]} != "$0" ]] || { set -euo pipefail && "$@"; }
