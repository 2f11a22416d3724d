//! The gradient of the input of a pool, of one sample, by its windows or by its positions.

use super::rule::{LANES, Rule};
use crate::layer::window::axis::{Axes, Covered};

/// Window by window: hands `put`, of the channels that `in_place` leaves, each place in `to` with what it gets of a window, in the order of the windows; 0 once where there is none.
///
/// The input is `x`, or is in `to` itself: where no position is in two windows, a place is not read any more when it is written.
#[inline(always)]
pub(super) fn by_windows<R: Rule, const N: usize>(
    axes: Axes,
    x: Option<&[[f32; N]]>,
    delta: &[[f32; N]],
    to: &mut [[f32; N]],
    in_place: impl Fn(Covered, &mut [[f32; N]], &[f32; N]) -> usize,
    put: impl Fn(&mut f32, f32),
) {
    let width = axes.columns.size;
    let mut deltas = delta.iter();
    axes.for_each_place(|window| {
        let Some(delta) = deltas.next() else { return };
        for channel in (in_place(window, to, delta)..N).step_by(LANES) {
            let share = R::share(window, width, x.unwrap_or(&*to), delta, channel);
            let mut tap = 0_u32;
            for start in window.row_starts(width) {
                let row = to.get_mut(start..start.wrapping_add(window.columns.count)).unwrap_or(&mut []);
                for position in row {
                    for (lane, place) in (0..LANES).zip(position.iter_mut().skip(channel)) {
                        put(place, R::term(&share, lane, tap));
                    }
                    tap = tap.wrapping_add(1);
                }
            }
        }
    });
    if axes.rows.has_gaps() || axes.columns.has_gaps() {
        let positions = (0..axes.rows.size).flat_map(|row| (0..width).map(move |column| (row, column)));
        for ((row, column), position) in positions.zip(to) {
            if axes.rows.places_of(row).is_empty() || axes.columns.places_of(column).is_empty() {
                for place in position {
                    put(place, 0.0);
                }
            }
        }
    }
}

/// Position by position: adds to each place in `to` the sum over its windows, which is complete then. A position finds each of its windows'
/// shares again, so this takes longer, and no memory.
pub(super) fn by_positions<R: Rule, const N: usize>(
    axes: Axes,
    x: &[[f32; N]],
    delta: &[[f32; N]],
    to: &mut [[f32; N]],
) {
    let width = axes.columns.size;
    let positions = (0..axes.rows.size).flat_map(|row| (0..width).map(move |column| (row, column)));
    for ((row, column), position) in positions.zip(to) {
        let (rows, columns) = (axes.rows.places_of(row), axes.columns.places_of(column));
        let start = if rows.is_empty() || columns.is_empty() { 0.0 } else { -0.0 };
        for channel in (0..N).step_by(LANES) {
            let mut sums = [start; LANES];
            for place_row in rows.clone() {
                for place_column in columns.clone() {
                    let window = Covered { rows: axes.rows.taps(place_row), columns: axes.columns.taps(place_column) };
                    let at = place_row.wrapping_mul(axes.columns.places).wrapping_add(place_column);
                    let Some(delta) = delta.get(at) else { continue };
                    let share = R::share(window, width, x, delta, channel);
                    let down = axes.rows.tap(row, place_row).wrapping_sub(window.rows.first);
                    let across = axes.columns.tap(column, place_column).wrapping_sub(window.columns.first);
                    let tap = down.wrapping_mul(window.columns.count).wrapping_add(across);
                    for (lane, sum) in (0..LANES).zip(&mut sums) {
                        *sum += R::term(&share, lane, tap as u32);
                    }
                }
            }
            for (place, sum) in position.iter_mut().skip(channel).zip(sums) {
                *place += sum;
            }
        }
    }
}
