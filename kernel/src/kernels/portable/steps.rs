//! What a convolution goes through: pairs of rows, or runs of neighbouring values, and whether all of it lies inside.
//!
//! The loops in assembly read what they are told to. So they ask first, and a wrong answer here would be a read outside of a slice.

/// Rows that a sum goes through: the first, and how many rows further the next one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) first: usize,
    /// From one to the next within a line.
    pub(crate) step: isize,
    /// From the start of a line to the start of the next.
    pub(crate) line: isize,
}

impl Walk {
    /// Whether all are among `rows` rows. There is at least one.
    #[inline(always)]
    fn is_within(self, lines: usize, taps: usize, rows: usize) -> bool {
        let most = |count: usize| isize::try_from(count.wrapping_sub(1)).unwrap_or(isize::MAX);
        let reach = |step: isize, count: usize| step.saturating_mul(most(count));
        let (across, down) = (reach(self.step, taps), reach(self.line, lines));
        let first = self.first.cast_signed();
        let lowest = first.saturating_add(across.min(0)).saturating_add(down.min(0));
        let highest = first.saturating_add(across.max(0)).saturating_add(down.max(0));
        (first >= 0) & (lowest >= 0) & (highest < rows.cast_signed())
    }
}

/// Pairs of rows whose products are added, line by line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) lines: usize,
    /// Pairs of a line.
    pub(crate) taps: usize,
    pub(crate) a: Walk,
    pub(crate) w: Walk,
}

impl Steps {
    /// Whether there is no pair.
    pub(crate) fn is_empty(self) -> bool {
        self.lines == 0 || self.taps == 0
    }

    /// The same pairs, with lines of one pair each as one line: the loops over a line are the fast ones.
    #[inline(always)]
    pub(crate) fn in_long_lines(self) -> Self {
        if self.taps != 1 {
            return self;
        }
        let along = |walk: Walk| Walk { step: walk.line, ..walk };
        Self { lines: 1, taps: self.lines, a: along(self.a), w: along(self.w) }
    }

    /// Whether there are pairs, all among so many rows.
    #[allow(dead_code)] // only some processors ask
    pub(in crate::kernels) fn are_within(self, a: usize, w: usize) -> bool {
        !self.is_empty() & self.a.is_within(self.lines, self.taps, a) & self.w.is_within(self.lines, self.taps, w)
    }

    /// Shows each pair.
    #[inline(always)]
    pub(in crate::kernels) fn for_each<A, W>(self, a: &[A], w: &[W], mut each: impl FnMut(&A, &W)) {
        self.for_each_at(|a_at, w_at| {
            if let (Some(a), Some(w)) = (a.get(a_at), w.get(w_at)) {
                each(a, w);
            }
        });
    }

    /// Shows where each pair lies.
    #[inline(always)]
    pub(in crate::kernels) fn for_each_at(self, mut each: impl FnMut(usize, usize)) {
        let (mut a_line, mut w_line) = (self.a.first, self.w.first);
        for _ in 0..self.lines {
            let (mut a_at, mut w_at) = (a_line, w_line);
            for _ in 0..self.taps {
                each(a_at, w_at);
                a_at = a_at.wrapping_add_signed(self.a.step);
                w_at = w_at.wrapping_add_signed(self.w.step);
            }
            a_line = a_line.wrapping_add_signed(self.a.line);
            w_line = w_line.wrapping_add_signed(self.w.line);
        }
    }
}

/// What a kernel has under it at one place: `lines` runs of neighbouring values, each with as many rows of weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    /// Runs, at least one.
    pub(crate) lines: usize,
    /// Values of each, at least one.
    pub(crate) run: usize,
    /// Values from the start of one to the start of the next.
    pub(crate) apart: usize,
    /// Rows of weights likewise.
    pub(crate) rows_apart: usize,
}

impl Runs {
    /// Whether there are runs, and all lie among so many values and rows.
    #[allow(dead_code)] // only some processors ask
    pub(in crate::kernels) fn are_within(self, values: usize, rows: usize) -> bool {
        let end = |apart: usize| self.lines.wrapping_sub(1).saturating_mul(apart).saturating_add(self.run);
        self.lines > 0 && self.run > 0 && end(self.apart) <= values && end(self.rows_apart) <= rows
    }

    /// Run number `line`.
    #[inline(always)]
    pub(super) fn run(self, x: &[f32], line: usize) -> &[f32] {
        x.get(line.wrapping_mul(self.apart)..).and_then(|x| x.get(..self.run)).unwrap_or(&[])
    }

    /// Its rows of weights, and those behind.
    #[inline(always)]
    pub(super) fn rows<const OUT: usize>(self, weights: &[[f32; OUT]], line: usize) -> &[[f32; OUT]] {
        weights.get(line.wrapping_mul(self.rows_apart)..).unwrap_or(&[])
    }
}

/// Windows side by side, in each of which one place counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen<'a> {
    /// Rows of windows.
    pub(crate) down: usize,
    /// Windows of a row.
    pub(crate) across: usize,
    /// Values from the first place of a window to that of the next.
    pub(crate) step: usize,
    /// Likewise from a row to the next.
    pub(crate) line: usize,
    /// Values from the first place of a window to each of its places.
    pub(crate) offsets: &'a [usize],
    /// Which place it is, a byte for each output of each window, four in a word, the first in the lowest bits.
    pub(crate) places: &'a [f32],
}

impl Chosen<'_> {
    /// Number of windows.
    #[allow(dead_code)] // only some processors ask
    pub(in crate::kernels) fn windows(self) -> usize {
        self.down.saturating_mul(self.across)
    }

    /// Whether there are windows and runs, each place has its runs among so many values, and each window a byte for each of `outputs`, of which `output`
    /// is one.
    #[allow(dead_code)] // only some processors ask
    pub(in crate::kernels) fn is_within(self, runs: Runs, values: usize, outputs: usize, output: usize) -> bool {
        let last = |count: usize, step: usize| count.wrapping_sub(1).saturating_mul(step);
        let furthest = self.offsets.iter().fold(0, |most, offset| most.max(*offset));
        let place = last(self.down, self.line).saturating_add(last(self.across, self.step)).saturating_add(furthest);
        self.windows() > 0
            && !self.offsets.is_empty()
            && runs.are_within(values.saturating_sub(place), usize::MAX)
            && self.windows().saturating_mul(outputs) <= self.places.len().saturating_mul(4)
            && output < outputs
    }
}

#[cfg(test)]
mod tests {
    use super::{Chosen, Runs, Steps, Walk};

    const COUNTS: [usize; 7] = [0, 1, 2, 3, usize::MAX / 2, usize::MAX / 2 + 1, usize::MAX];
    const STEPS: [isize; 6] = [-2, -1, 0, 1, isize::MIN, isize::MAX];
    const LENGTHS: [usize; 4] = [0, 1, 4, 7];

    /// By the definition: the rows at the four corners, which lie further out than all others, in numbers that do not overflow.
    fn is_inside(walk: Walk, lines: usize, taps: usize, rows: usize) -> bool {
        let corner = |line: usize, tap: usize| {
            walk.first as i128 + walk.line as i128 * line as i128 + walk.step as i128 * tap as i128
        };
        let ends = [(0, 0), (0, taps - 1), (lines - 1, 0), (lines - 1, taps - 1)];
        ends.iter().all(|(line, tap)| (0..rows as i128).contains(&corner(*line, *tap)))
    }

    fn each_walk(mut each: impl FnMut(Walk)) {
        for first in [0, 1, 3, 6, usize::MAX] {
            for (step, line) in STEPS.iter().flat_map(|step| STEPS.map(|line| (*step, line))) {
                each(Walk { first, step, line });
            }
        }
    }

    #[test]
    fn steps_are_within_where_every_row_is() {
        let still = Walk { first: 0, step: 0, line: 0 };
        let (mut inside, mut outside) = (0, 0);
        for (lines, taps) in COUNTS.iter().flat_map(|lines| COUNTS.map(|taps| (*lines, taps))) {
            each_walk(|walk| {
                for rows in LENGTHS {
                    let expected = lines > 0 && taps > 0 && is_inside(walk, lines, taps, rows);
                    let steps = Steps { lines, taps, a: walk, w: still };
                    assert_eq!(steps.are_within(rows, 1), expected, "{steps:?}, {rows} rows");
                    let steps = Steps { a: still, w: walk, ..steps };
                    assert_eq!(steps.are_within(1, rows), expected, "{steps:?}, {rows} rows");
                    *(if expected { &mut inside } else { &mut outside }) += 1;
                }
            });
        }
        assert!(inside > 100 && outside > 100, "{inside} inside, {outside} outside");
    }

    #[test]
    fn steps_that_are_within_show_as_many_pairs_as_they_say() {
        let rows = [(); 7];
        each_walk(|walk| {
            for (lines, taps) in [0, 1, 2, 3].into_iter().flat_map(|lines| [0, 1, 2, 3].map(|taps| (lines, taps))) {
                let steps = Steps { lines, taps, a: walk, w: walk };
                let mut shown = 0;
                steps.for_each(&rows, &rows, |(), ()| shown += 1);
                let is_all = lines * taps > 0 && shown == lines * taps;
                assert_eq!(steps.are_within(7, 7), is_all, "{steps:?}");
            }
        });
    }

    #[test]
    fn long_lines_have_the_same_pairs_in_the_same_order() {
        let (a, w) = ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]);
        let walk = |first, step, line| Walk { first, step, line };
        for (lines, taps) in [(0, 0), (0, 1), (1, 0), (1, 1), (3, 1), (1, 3), (2, 3)] {
            let steps = Steps { lines, taps, a: walk(0, 1, 2), w: walk(6, -2, -1) };
            let pairs = |steps: Steps| {
                let (mut pairs, mut count) = ([(0, 0); 6], 0);
                steps.for_each(&a, &w, |a, w| {
                    if let Some(pair) = pairs.get_mut(count) {
                        *pair = (*a, *w);
                    }
                    count += 1;
                });
                (pairs, count)
            };
            assert_eq!(pairs(steps), pairs(steps.in_long_lines()), "{steps:?}");
            assert_eq!(pairs(steps).1, lines * taps);
            assert_eq!(steps.is_empty(), steps.in_long_lines().is_empty());
        }
    }

    #[test]
    fn runs_are_within_where_their_last_values_are() {
        let end = |lines: usize, apart: usize, run: usize| (lines as u128 - 1) * apart as u128 + run as u128;
        let (mut inside, mut outside) = (0, 0);
        for (lines, run) in COUNTS.iter().flat_map(|lines| COUNTS.map(|run| (*lines, run))) {
            for (apart, rows_apart) in COUNTS.iter().flat_map(|apart| COUNTS.map(|rows| (*apart, rows))) {
                for (values, rows) in LENGTHS.iter().flat_map(|values| LENGTHS.map(|rows| (*values, rows))) {
                    let expected = lines > 0
                        && run > 0
                        && end(lines, apart, run) <= values as u128
                        && end(lines, rows_apart, run) <= rows as u128;
                    let runs = Runs { lines, run, apart, rows_apart };
                    assert_eq!(runs.are_within(values, rows), expected, "{runs:?}, {values} values, {rows} rows");
                    *(if expected { &mut inside } else { &mut outside }) += 1;
                }
            }
        }
        assert!(inside > 100 && outside > 100, "{inside} inside, {outside} outside");
    }
    /// By the definition: the last value of the last place of the last window, and a byte for each output, in numbers that do not overflow.
    #[test]
    fn windows_are_within_where_their_last_values_are() {
        let runs = Runs { lines: 2, run: 2, apart: 3, rows_apart: usize::MAX / 4 };
        let words = [0.0; 3];
        let (mut inside, mut outside) = (0, 0);
        for (down, across) in COUNTS.iter().flat_map(|down| COUNTS.map(|across| (*down, across))) {
            for (step, line) in COUNTS.iter().flat_map(|step| COUNTS.map(|line| (*step, line))) {
                if cfg!(miri) && (step != line || down != across) {
                    continue; // The others take it minutes.
                }
                for (offsets, most) in [(&[][..], 0), (&[0], 0), (&[2, 0], 2), (&[1, usize::MAX], usize::MAX)] {
                    for (outputs, output) in [(0, 0), (1, 0), (1, 1), (3, 2), (6, 0), (usize::MAX, 1)] {
                        for values in [0, 4, 5, 9, 16, usize::MAX] {
                            let [d, a, s, l] = [down, across, step, line].map(|number| number as u128);
                            let is_some = d > 0 && a > 0 && !offsets.is_empty();
                            let last = || ((d - 1) * l).saturating_add((a - 1) * s).saturating_add(most as u128 + 5);
                            let bytes = || (d * a).saturating_mul(outputs as u128);
                            let expected = is_some && last() <= values as u128 && bytes() <= 12 && output < outputs;
                            let chosen = Chosen { down, across, step, line, offsets, places: &words };
                            assert_eq!(
                                chosen.is_within(runs, values, outputs, output),
                                expected,
                                "{chosen:?}, {values}"
                            );
                            *(if expected { &mut inside } else { &mut outside }) += 1;
                        }
                    }
                }
            }
        }
        assert!(inside > 100 && outside > 100, "{inside} inside, {outside} outside");
    }
}
