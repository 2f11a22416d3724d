//! How good predictions have lately been.

/// The share of right predictions, where older ones count less: by `fading` for each newer one.
///
/// For test-then-train: predict a sample, record whether that was right, then train on it. With `fading` 0.99 about the last 100 predictions
/// count, with 1 all of them alike.
///
/// # Order and rounding
/// `S ← hit + fading·S`, `B ← 1 + fading·B`; the accuracy is `S / B`.
///
/// # Source
/// The prequential estimate with a fading factor: J. Gama, R. Sebastião and P. P. Rodrigues, *On Evaluating Stream Learning Algorithms*, 2013.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MovingAccuracy {
    /// What a prediction still counts when one more has come, above 0 and at most 1.
    pub fading: f32,
    hits: f32,
    weight: f32,
}

crate::state!(MovingAccuracy { fading: f32, hits: f32, weight: f32 });

impl MovingAccuracy {
    /// Of no predictions yet.
    pub const fn new(fading: f32) -> Self {
        Self { fading, hits: 0.0, weight: 0.0 }
    }

    /// Counts a prediction in.
    pub fn record(&mut self, right: bool) {
        self.hits = f32::from(u8::from(right)) + self.fading * self.hits;
        self.weight = 1.0 + self.fading * self.weight;
    }

    /// The accuracy, 0 to 1; `None` before the first prediction.
    pub fn accuracy(&self) -> Option<f32> {
        if self.weight > 0.0 { Some(self.hits / self.weight) } else { None }
    }
}
