//! The data set GunPoint: where a hand is while it draws a gun, or only points. `data/README.md` has its source.

/// Moments of a recording.
pub const MOMENTS: usize = 150;

/// Recordings, each with its label: 0 draws, 1 points.
pub struct Recordings {
    /// Where the hand is, from left to right, at each moment; of mean 0 and variance 1.
    pub inputs: Vec<[[f32; 1]; MOMENTS]>,
    /// The labels.
    pub labels: Vec<u8>,
}

/// The 50 recordings to train on, and the 150 of the test set.
pub fn recordings() -> [Recordings; 2] {
    let mut both = [(); 2].map(|()| Recordings { inputs: Vec::new(), labels: Vec::new() });
    for line in include_str!("../data/gun_point.csv").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [split, values @ .., label] = &fields[..] else { panic!("a split, values and a label: {line}") };
        let part = &mut both[split.parse::<usize>().expect("0 or 1")];
        let values: Vec<[f32; 1]> = values.iter().map(|value| [value.parse().expect("a number")]).collect();
        part.inputs.push(values.try_into().expect("as many moments as any"));
        part.labels.push(label.parse().expect("a label"));
    }
    both
}
