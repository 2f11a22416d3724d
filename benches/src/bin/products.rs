//! The share of the processor's peak that the three products of a training step reach, for the level that this was built for.
//!
//! `cargo xtask peers` runs it for SSE2, AVX2 and AVX-512. The peak is that of multiplications and additions that round one by
//! one, as all sums here do; a fused peak would be twice as high. Peak and products are measured in turn, the best run of each
//! counts.

use std::time::{Duration, Instant};

use benches::products::{FLOPS, Layer};

/// Long enough to measure, short enough to be left alone now and then on a busy machine.
const CALLS: u32 = 20;
const ROUNDS: u32 = 400;

fn main() {
    eprintln!("{}", benches::processor());
    let mut layer = Layer::new();
    let [mut peak, mut forward, mut weights, mut both] = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        peak = peak.min(time(peak::run));
        forward = forward.min(time(|| layer.forward()));
        weights = weights.min(time(|| layer.weight_gradient()));
        both = both.min(time(|| layer.both_gradients()));
    }
    let rate = |flops: f64, time: Duration| flops * f64::from(CALLS) / time.as_secs_f64() / 1e9;
    let peak = rate(peak::FLOPS, peak);
    let all = rate(3.0 * FLOPS, forward + both);
    let share = all / peak;
    let verdict = if share >= peak::LIMIT { "ok" } else { "under" };
    println!(
        "| {} | {peak:.1} | {:.1} | {:.1} | {:.1} | **{share:.2}** | ≥ {} | {verdict} |",
        peak::NAME,
        rate(FLOPS, forward),
        rate(FLOPS, weights),
        rate(2.0 * FLOPS, both),
        peak::LIMIT,
    );
}

fn time(mut call: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed()
}

/// Nothing but multiplications and additions in registers, as many in flight as hide their latency.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "wide registers by name: the compiler may choose narrower ones by itself")]
mod peak {
    use std::hint::black_box;

    #[cfg(target_feature = "avx512f")]
    mod wide {
        pub(super) use std::arch::x86_64::{
            __m512 as Wide, _mm512_add_ps as add, _mm512_mul_ps as mul, _mm512_set1_ps as all,
        };
        pub(in super::super) const NAME: &str = "AVX-512";
        pub(in super::super) const LIMIT: f64 = 0.7;
        pub(super) const CHAINS: usize = 24;
    }
    #[cfg(all(target_feature = "avx", not(target_feature = "avx512f")))]
    mod wide {
        pub(super) use std::arch::x86_64::{
            __m256 as Wide, _mm256_add_ps as add, _mm256_mul_ps as mul, _mm256_set1_ps as all,
        };
        pub(in super::super) const NAME: &str = "AVX2";
        pub(in super::super) const LIMIT: f64 = 0.8;
        pub(super) const CHAINS: usize = 12;
    }
    #[cfg(not(target_feature = "avx"))]
    mod wide {
        pub(super) use std::arch::x86_64::{__m128 as Wide, _mm_add_ps as add, _mm_mul_ps as mul, _mm_set1_ps as all};
        pub(in super::super) const NAME: &str = "SSE2";
        pub(in super::super) const LIMIT: f64 = 0.8;
        pub(super) const CHAINS: usize = 12;
    }
    use wide::{CHAINS, Wide, add, all, mul};
    pub(super) use wide::{LIMIT, NAME};

    const ROUNDS: usize = 1000;
    /// Multiplications and additions of a run.
    pub(super) const FLOPS: f64 = (2 * ROUNDS * CHAINS * size_of::<Wide>() / 4) as f64;

    pub(super) fn run() {
        // SAFETY: `wide` is chosen by what the whole program is built for, so the processor has its instructions.
        unsafe {
            // Stays near 1: neither factor nor term is known to the compiler, and no value leaves the normal range.
            let (factor, term) = (black_box(all(0.999)), black_box(all(0.001)));
            let mut chains = [all(1.0); CHAINS];
            for _ in 0..ROUNDS {
                for chain in &mut chains {
                    *chain = add(mul(*chain, factor), term);
                }
            }
            black_box(chains);
        }
    }
}

/// No peak is known for other processors.
#[cfg(not(target_arch = "x86_64"))]
mod peak {
    pub(super) const NAME: &str = "unknown";
    pub(super) const LIMIT: f64 = 0.0;
    pub(super) const FLOPS: f64 = f64::NAN;

    pub(super) fn run() {}
}
