//! The self-test of the float environment against a processor that is set otherwise.

use baregrad::{FloatEnvironmentError, float_environment};

#[test]
fn float_environment_is_as_promised_by_default() {
    assert_eq!(float_environment(), Ok(()));
}

#[test]
fn float_environment_errors_say_what_is_wrong() {
    let text = |error: FloatEnvironmentError| error.to_string();
    assert_eq!(text(FloatEnvironmentError::FlushesSubnormals), "subnormal numbers are flushed to zero");
    assert_eq!(
        text(FloatEnvironmentError::RoundsOtherwise),
        "sums or products are not rounded to nearest, ties to even"
    );
    assert_eq!(text(FloatEnvironmentError::Fuses), "a product is not rounded before it is added");
}

/// MXCSR sets both SSE and AVX of one thread; every test of cargo's harness has a thread of its own.
#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #![allow(unsafe_code, reason = "MXCSR can be set only by an instruction")]

    use std::arch::asm;

    use baregrad::FloatEnvironmentError::{self, FlushesSubnormals, RoundsOtherwise};
    use baregrad::float_environment;

    const DENORMALS_ARE_ZERO: u32 = 1 << 6;
    const FLUSH_TO_ZERO: u32 = 1 << 15;
    const DOWN: u32 = 1 << 13;
    const UP: u32 = 2 << 13;
    const TOWARDS_ZERO: u32 = 3 << 13;
    /// All that a test changes.
    const FIELDS: u32 = DENORMALS_ARE_ZERO | FLUSH_TO_ZERO | TOWARDS_ZERO;

    /// MXCSR with some bits set, until it is dropped.
    struct Mxcsr {
        before: u32,
    }

    impl Mxcsr {
        fn with(bits: u32) -> Self {
            let before = Self::read();
            Self::write(before | bits);
            Self { before }
        }

        fn read() -> u32 {
            let mut value = 0_u32;
            // SAFETY: writes the four bytes that the pointer names, which are `value`, and nothing else.
            unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
            value
        }

        fn write(value: u32) {
            // SAFETY: reads the four bytes of `value`; as they come from `read` but for defined fields, no reserved bit is
            // set, and all exceptions stay masked. Rust assumes the default MXCSR of what runs between `with` and `drop`:
            // that is `float_environment` alone, which hides its operands from the compiler for this very purpose.
            unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, preserves_flags)) };
        }
    }

    impl Drop for Mxcsr {
        fn drop(&mut self) {
            Self::write(self.before);
        }
    }

    fn float_environment_with(bits: u32) -> Result<(), FloatEnvironmentError> {
        let set = Mxcsr::with(bits);
        assert_eq!(Mxcsr::read() & FIELDS, bits, "the processor takes the setting");
        let result = float_environment();
        drop(set);
        assert_eq!(Mxcsr::read() & FIELDS, 0, "the setting is restored");
        result
    }

    #[test]
    fn flush_to_zero_is_reported() {
        assert_eq!(float_environment_with(FLUSH_TO_ZERO), Err(FlushesSubnormals));
    }

    #[test]
    fn denormals_are_zero_is_reported() {
        assert_eq!(float_environment_with(DENORMALS_ARE_ZERO), Err(FlushesSubnormals));
    }

    #[test]
    fn every_other_rounding_is_reported() {
        for (name, mode) in [("down", DOWN), ("up", UP), ("towards zero", TOWARDS_ZERO)] {
            assert_eq!(float_environment_with(mode), Err(RoundsOtherwise), "{name}");
        }
    }

    #[test]
    fn flushing_is_reported_before_rounding() {
        for mode in [DOWN, UP, TOWARDS_ZERO] {
            for flush in [FLUSH_TO_ZERO, DENORMALS_ARE_ZERO, FLUSH_TO_ZERO | DENORMALS_ARE_ZERO] {
                assert_eq!(float_environment_with(mode | flush), Err(FlushesSubnormals), "{mode:#x}, {flush:#x}");
            }
        }
    }

    #[test]
    fn float_environment_is_as_promised_after_a_setting_is_restored() {
        assert!(float_environment_with(FLUSH_TO_ZERO).is_err());
        assert_eq!(float_environment(), Ok(()));
    }
}
