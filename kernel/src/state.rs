//! Values that a checkpoint can hold: numbers, arrays and tuples of them. What else can be saved says so beside its definition.

use crate::fingerprint::Fingerprint;

/// A value that takes a fixed number of bytes in a checkpoint: little-endian, the same on every target.
///
/// The numbers have it (not `usize`, whose size depends on the target), arrays and tuples of them, and `&mut T` for parts that lie apart.
/// So has what a training loop holds between two steps:
///
/// | part | how it is saved |
/// | --- | --- |
/// | network, slots | as the training itself |
/// | an optimizer and its slot, a schedule, early stopping | [`State`] |
/// | an [`Order`](crate::Order), [`RandomIndices`](crate::data::RandomIndices) | [`State`] |
/// | a [`ReplayBuffer`](https://docs.rs/baregrad/latest/baregrad/replay/struct.ReplayBuffer.html) (feature `heapless`) | [`State`] where samples and targets are |
/// | [`Gradients`](crate::Gradients) between micro-batches | [`State`] |
/// | a [`ConfusionMatrix`](crate::ConfusionMatrix), the parts of [`streaming`](crate::streaming) | [`State`] |
/// | a workspace, a [`GatherBuffer`](crate::GatherBuffer), a [`Graph`](crate::Graph) | not at all: each step fills it anew |
/// | a copy of the best weights | as a checkpoint of weights of its own |
///
/// A struct of one's own gets it in one line by [`state!`](crate::state!); an optimizer of one's own needs it for itself and for its slot.
///
/// A generator that hides its state (most of `rand_pcg` and `rand_chacha` do) can be seeded anew each epoch from a seed and
/// the epoch's number, which are numbers to save.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a checkpoint",
    note = "numbers but `usize`, arrays, tuples of up to six (which nest), and what a training loop holds of the library can",
    note = "`baregrad::state!({Self} {{ field: Type, … }});` makes it so for a struct of states"
)]
pub trait State {
    /// Number of bytes.
    const BYTES: usize;
    /// Tells layouts apart: made of names and the fingerprints of the parts.
    const FINGERPRINT: u32;

    /// Hands over exactly [`BYTES`](Self::BYTES) bytes, in any number of pieces.
    fn save(&self, write: &mut impl FnMut(&[u8]));

    /// Takes the same bytes; `read` fills a slice with the next of them. Any bytes must do: they may be another program's.
    fn load(&mut self, read: &mut impl FnMut(&mut [u8]));
}

/// Makes a struct a [`State`](crate::state::State): its name, then *all* its fields, each of which is a state.
///
/// ```
/// struct Progress { epoch: u32, generator: u64 }
/// baregrad::state!(Progress { epoch: u32, generator: u64 });
/// ```
///
/// A field that is left out, or has another type, does not compile. The names count: a struct or field that is renamed can't
/// load what was saved before. A struct may have sizes: `Window<const N: usize> { values: [f32; N] }`.
// It reads
//     impl State for Progress {
//         const BYTES: usize = 0 + <u32 as State>::BYTES + <u64 as State>::BYTES;
//         const FINGERPRINT: u32 = Fingerprint::of("Progress").name("epoch").part(<u32 as State>::FINGERPRINT)….value();
//         fn save(&self, write: &mut impl FnMut(&[u8])) {
//             let Self { epoch, generator } = self;
//             <u32 as State>::save(epoch, write);
//             <u64 as State>::save(generator, write);
//         }
//         …
//     }
#[macro_export]
macro_rules! state {
    ($name:ident $(<$(const $size:ident: usize),+>)? { $($field:ident: $part:ty),* $(,)? }) => {
        impl $(<$(const $size: usize),+>)? $crate::state::State for $name $(<$($size),+>)? {
            const BYTES: usize = 0 $(+ <$part as $crate::state::State>::BYTES)*;
            const FINGERPRINT: u32 = $crate::fingerprint::Fingerprint::of(stringify!($name))
                $($(.number($size))+)?
                $(.name(stringify!($field)).part(<$part as $crate::state::State>::FINGERPRINT))*
                .value();

            fn save(&self, write: &mut impl FnMut(&[u8])) {
                let Self { $($field),* } = self;
                $(<$part as $crate::state::State>::save($field, write);)*
            }

            fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
                let Self { $($field),* } = self;
                $(<$part as $crate::state::State>::load($field, read);)*
            }
        }
    };
}

macro_rules! number {
    ($($number:ident)*) => { $(
        impl State for $number {
            const BYTES: usize = size_of::<Self>();
            const FINGERPRINT: u32 = Fingerprint::of(stringify!($number)).value();

            fn save(&self, write: &mut impl FnMut(&[u8])) {
                write(&self.to_le_bytes());
            }

            fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
                let mut bytes = [0; size_of::<Self>()];
                read(&mut bytes);
                *self = Self::from_le_bytes(bytes);
            }
        }
    )* };
}

number!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64);

/// One byte, 0 or 1; loads as `true` from anything but 0.
impl State for bool {
    const BYTES: usize = 1;
    const FINGERPRINT: u32 = Fingerprint::of("bool").value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        u8::from(*self).save(write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        let mut byte = 0u8;
        byte.load(read);
        *self = byte != 0;
    }
}

impl<T: State, const N: usize> State for [T; N] {
    const BYTES: usize = N * T::BYTES;
    const FINGERPRINT: u32 = Fingerprint::of("[]").number(N).part(T::FINGERPRINT).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        for part in self {
            part.save(write);
        }
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        for part in self {
            part.load(read);
        }
    }
}

/// As what it refers to: `&mut (&mut step, &mut order)` takes what `(step, order)` gave.
impl<T: State> State for &mut T {
    const BYTES: usize = T::BYTES;
    const FINGERPRINT: u32 = T::FINGERPRINT;

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        T::save(self, write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        T::load(self, read);
    }
}

macro_rules! tuple {
    ($($index:tt $part:ident),*) => {
        impl<$($part: State),*> State for ($($part,)*) {
            const BYTES: usize = 0 $(+ $part::BYTES)*;
            const FINGERPRINT: u32 = Fingerprint::of("()")$(.part($part::FINGERPRINT))*.value();

            fn save(&self, _write: &mut impl FnMut(&[u8])) {
                $(self.$index.save(_write);)*
            }

            fn load(&mut self, _read: &mut impl FnMut(&mut [u8])) {
                $(self.$index.load(_read);)*
            }
        }
    };
}

tuple!();
tuple!(0 T0);
tuple!(0 T0, 1 T1);
tuple!(0 T0, 1 T1, 2 T2);
tuple!(0 T0, 1 T1, 2 T2, 3 T3);
tuple!(0 T0, 1 T1, 2 T2, 3 T3, 4 T4);
tuple!(0 T0, 1 T1, 2 T2, 3 T3, 4 T4, 5 T5);
