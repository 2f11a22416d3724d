//! Which vectors this processor has and is fastest with, asked once.

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::sync::atomic::{AtomicU8, Ordering};

/// What every x86-64 has.
pub(super) const SSE2: u8 = 1;
/// AVX2.
pub(super) const AVX2: u8 = 2;
/// AVX-512 F and VL.
pub(super) const AVX512: u8 = 3;

/// 0 until the processor has been asked.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The fastest level of this processor, at most what `--cfg baregrad_vectors="…"` allows.
#[inline(always)]
pub(super) fn level() -> u8 {
    // Whoever asks at the same time finds the same.
    match LEVEL.load(Ordering::Relaxed) {
        0 => ask(),
        level => level,
    }
}

#[cold]
#[inline(never)]
fn ask() -> u8 {
    let allowed = match (cfg!(baregrad_vectors = "sse2"), cfg!(baregrad_vectors = "avx2")) {
        (true, _) => SSE2,
        (_, true) => AVX2,
        _ => AVX512,
    };
    let level = fastest(highest()).min(allowed);
    LEVEL.store(level, Ordering::Relaxed);
    level
}

/// The fastest level up to the highest one.
fn fastest(highest: u8) -> u8 {
    if highest < AVX512 {
        return highest;
    }
    let (most, signature) = (__cpuid(0), __cpuid(1).eax);
    if has_halves([most.ebx, most.edx, most.ecx], signature) { AVX2 } else { AVX512 }
}

/// Whether vectors of 512 bits are two halves: each operation takes two turns, and loops for longer vectors gain nothing.
///
/// They are on Zen 4, AMD's family 25. (Zen 3 is of that family too, and has no AVX-512.) The bit that says it, FP512 of leaf 8000_001A, is hidden
/// by hypervisors. The order of the vendor's words is that of its letters.
fn has_halves(vendor: [u32; 3], signature: u32) -> bool {
    let (base, extended) = (signature >> 8 & 0xf, signature >> 20 & 0xff);
    // An extended family counts above the highest base family alone.
    let family = if base == 0xf { base.wrapping_add(extended) } else { base };
    vendor == AMD && family == 25
}

/// The letters `AuthenticAMD`.
const AMD: [u32; 3] = [0x6874_7541, 0x6974_6e65, 0x444d_4163];

/// The highest level that this processor has. Bits of `CPUID` as in Intel's *Software Developer's Manual*, volume 2A.
pub(super) fn highest() -> u8 {
    const OSXSAVE_AND_AVX: u32 = 1 << 27 | 1 << 28;
    const AVX2_BIT: u32 = 1 << 5;
    const AVX512_F_AND_VL: u32 = 1 << 16 | 1 << 31;
    /// In XCR0: the system saves XMM and YMM; with the three above, also the mask registers and ZMM.
    const YMM: u64 = 0b110;
    const ZMM: u64 = 0b1110_0110;

    if cfg!(miri) {
        return SSE2; // it interprets these, but not CPUID
    }
    let (highest, features) = (__cpuid(0).eax, __cpuid(1).ecx);
    if highest < 7 || features & OSXSAVE_AND_AVX != OSXSAVE_AND_AVX {
        return SSE2;
    }
    // SAFETY: OSXSAVE says that the system has made XGETBV available.
    let saved = unsafe { xcr0() };
    let extended = __cpuid_count(7, 0).ebx;
    if saved & YMM != YMM || extended & AVX2_BIT == 0 {
        SSE2
    } else if saved & ZMM != ZMM || extended & AVX512_F_AND_VL != AVX512_F_AND_VL {
        AVX2
    } else {
        AVX512
    }
}

#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 always exists.
    unsafe { _xgetbv(0) }
}

#[cfg(test)]
mod tests {
    use super::{AMD, has_halves};

    const INTEL: [u32; 3] = [0x756e_6547, 0x4965_6e69, 0x6c65_746e];

    /// Vendor and signature as `CPUID` gives them.
    #[test]
    fn only_zen_4_has_vectors_in_halves() {
        let zen_4 = [0x00a1_0f11, 0x00a6_0f12, 0x00a7_0f41, 0x00aa_0f02]; // models 17, 97, 116, 160
        assert!(zen_4.iter().all(|&signature| has_halves(AMD, signature)));
        let zen_2_and_5 = [0x0083_0f10, 0x00b0_0f21, 0x00b4_0f40]; // families 23, 26, 26
        assert!(!zen_2_and_5.iter().any(|&signature| has_halves(AMD, signature)));
        // Skylake, Ice Lake, Sapphire Rapids, Tiger Lake; and what AMD would call family 25.
        let intel = [0x0005_0654, 0x0006_06a6, 0x0008_06f8, 0x0008_06c1, 0x00a1_0f11];
        assert!(!intel.iter().any(|&signature| has_halves(INTEL, signature)));
    }

    #[test]
    fn the_words_of_a_vendor_are_its_letters() {
        assert_eq!(AMD.map(u32::to_le_bytes).concat(), b"AuthenticAMD");
        assert_eq!(INTEL.map(u32::to_le_bytes).concat(), b"GenuineIntel");
    }
}
