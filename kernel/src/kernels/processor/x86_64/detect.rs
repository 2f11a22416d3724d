//! Which vectors this processor has, asked once.

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

/// The level of this processor, at most what `--cfg baregrad_vectors="…"` allows.
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
    let level = processor().min(allowed);
    LEVEL.store(level, Ordering::Relaxed);
    level
}

/// Bits of `CPUID` as in Intel's *Software Developer's Manual*, volume 2A.
fn processor() -> u8 {
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
