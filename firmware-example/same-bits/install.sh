# Installing Debian packages for host-tests/same_bits.sh, which sources this file. As firmware-example/run.sh does it,
# except that a package that can't be had is not the end: the function says why and returns 1.

say() { printf 'same_bits.sh: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null; }

# Installs one Debian package.
install_package() {
    have apt-get || { say "missing: $1. Install it with this system's package manager and try again"; return 1; }
    local as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        # Sudo that asks for a password is of use only where somebody can type one.
        if have sudo && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
            as_root=(sudo)
        else
            say "missing: $1. As root, type: apt-get update && apt-get install --no-install-recommends $1"
            return 1
        fi
    fi
    # `env`, because sudo may drop variables set before it. The lock: a freshly started Ubuntu upgrades itself first.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet -o DPkg::Lock::Timeout=120)
    say "installing by apt: $1"
    "${apt[@]}" update >&2 || { say "apt-get update failed"; return 1; }
    # --no-remove: what somebody has installed stays.
    local install=(install --yes --no-remove --no-install-recommends)
    # Debian 12 with parts of QEMU from bookworm-backports: the rest must come from there too.
    if ! apt-get --simulate "${install[@]}" "$1" &>/dev/null && has_qemu_from_backports; then
        install+=(-t bookworm-backports)
    fi
    "${apt[@]}" "${install[@]}" "$1" >&2 || { say "apt-get could not install $1"; return 1; }
}

has_qemu_from_backports() {
    dpkg-query --show --showformat '${db:Status-Abbrev} ${Version}\n' 'qemu-*' 2>/dev/null \
        | grep '^ii .*~bpo12+' >/dev/null
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
