//! Places and taps against their definition, written out.

use super::axis::{Axes, Axis, Covered, Places, Taps};
use super::{Along, Centered, Same, Strided, Valid, Window};
use crate::shape::{Line, Plane, Positions};

extern crate std; // for the definition in plain loops

use std::vec::Vec;
use std::{format, vec};

/// Place by place and tap by tap, by the definition: position = place · stride + tap - padding in front.
fn assert_axis_is_its_definition(axis: Axis, what: &str) {
    let position = |place: usize, tap: usize| {
        let position = (place * axis.stride.get() + tap).checked_sub(axis.before)?;
        (position < axis.size).then_some(position)
    };
    for place in 0..axis.places {
        let taps: Vec<_> = (0..axis.kernel).filter(|tap| position(place, *tap).is_some()).collect();
        let first = taps.first().copied();
        let at = first.and_then(|tap| position(place, tap));
        assert!(at.is_some(), "{what}, place {place}: no tap inside");
        let expected = (first, taps.len(), at);
        let Taps { first, count, position } = axis.taps(place);
        assert_eq!((Some(first), count, Some(position)), expected, "{what}, place {place}");
    }
    for at in 0..axis.size {
        let places: Vec<_> =
            (0..axis.places).filter(|place| (0..axis.kernel).any(|tap| position(*place, tap) == Some(at))).collect();
        assert_eq!(axis.places_of(at).collect::<Vec<_>>(), places, "{what}, position {at}");
        for place in places {
            assert_eq!(position(place, axis.tap(at, place)), Some(at), "{what}, position {at}, place {place}");
        }
    }
    assert_alike_are_the_same(axis, position, what);
    let most = (0..axis.size).map(|at| axis.places_of(at).count()).max();
    assert!(!axis.is_disjoint() || most <= Some(1), "{what}");
}

/// Places are alike where the same taps are inside, and positions where the same taps see them, from places as far apart as the positions are.
fn assert_alike_are_the_same(axis: Axis, position: impl Fn(usize, usize) -> Option<usize>, what: &str) {
    let taps_at = |place: usize| {
        let is_place = place < axis.places;
        is_place.then(|| (0..axis.kernel).filter(|tap| position(place, *tap).is_some()).collect::<Vec<_>>())
    };
    // Each tap that sees a position, and its place, counted from `place` on.
    let seen = |at: usize, place: usize| -> Option<Vec<_>> {
        let taps = (0..axis.places).flat_map(|place| (0..axis.kernel).map(move |tap| (tap, place)));
        let seen = taps.filter(|(tap, place)| position(*place, *tap) == Some(at));
        (at < axis.size).then(|| seen.map(|(tap, seen)| (tap, seen as isize - place as isize)).collect())
    };
    for count in [1, 2, 4] {
        for place in 0..axis.places {
            let are_alike = (0..count).all(|next| taps_at(place + next) == taps_at(place));
            assert_eq!(axis.are_alike(place, count), are_alike, "{what}, {count} places from {place} on");
        }
        for at in 0..axis.size {
            let are_alike = (0..count).all(|next| seen(at + next * axis.stride.get(), next) == seen(at, 0));
            if axis.are_seen_alike(at, count) || !axis.places_of(at).is_empty() {
                assert_eq!(axis.are_seen_alike(at, count), are_alike, "{what}, {count} positions from {at} on");
            }
        }
    }
}

fn assert_windows_fit<W: Window, P: Positions, const KH: usize, const KW: usize>() {
    let what = format!("{} on {} × {}, {KH} × {KW}", core::any::type_name::<W>(), P::HEIGHT, P::WIDTH);
    let Axes { rows, columns } = Places::<P, W, KH, KW>::AXES;
    assert_axis_is_its_definition(rows, &what);
    assert_axis_is_its_definition(columns, &what);
    assert_eq!((W::Out::<P, KH, KW>::HEIGHT, W::Out::<P, KH, KW>::WIDTH), (rows.places, columns.places), "{what}");
}

fn assert_all_windows_fit<P: Positions>() {
    assert_windows_fit::<Same, P, 4, 3>();
    assert_windows_fit::<Same, P, 1, 8>();
    assert_windows_fit::<Strided<1>, P, 3, 2>();
    assert_windows_fit::<Strided<2>, P, 3, 4>();
    assert_windows_fit::<Strided<3, 4>, P, 2, 1>();
    assert_windows_fit::<Centered<1>, P, 5, 3>();
    assert_windows_fit::<Centered<2>, P, 3, 1>();
    assert_windows_fit::<Centered<3, 2>, P, 1, 7>();
    assert_windows_fit::<Valid, P, 3, 1>();
    assert_windows_fit::<Valid<2>, P, 2, 3>();
    assert_windows_fit::<Valid<3, 5>, P, 1, 3>();
}

#[test]
fn taps_and_places_are_those_of_the_definition() {
    assert_all_windows_fit::<Plane<3, 3>>();
    assert_all_windows_fit::<Plane<4, 7>>();
    assert_all_windows_fit::<Plane<9, 10>>();
    assert_all_windows_fit::<Plane<8, 5>>();
    assert_windows_fit::<Along<Strided<2>>, Line<9>, 3, 1>();
    assert_windows_fit::<Along<Valid<2>>, Line<9>, 3, 1>();
    assert_windows_fit::<Along<Same>, Line<1>, 5, 1>();
}

#[test]
fn padding_is_where_keras_and_pytorch_have_it() {
    // From their documentation: 96 positions, a kernel of 3, a stride of 2.
    assert_eq!(Places::<Plane<96, 96>, Strided<2>, 3, 3>::AXES.rows.before, 0);
    assert_eq!(Places::<Plane<96, 96>, Centered<2>, 3, 3>::AXES.rows.before, 1);
    // The first layer of DS-CNN: 49 × 10 positions, 10 × 4 taps.
    let Axes { rows, columns } = Places::<Plane<49, 10>, Strided<2>, 10, 4>::AXES;
    assert_eq!((rows.before, rows.places, columns.before, columns.places), (4, 25, 1, 5));
    // An odd number lies behind.
    assert_eq!(Places::<Line<8>, Same, 4, 1>::AXES.rows.before, 1);
}

#[test]
fn places_come_row_by_row() {
    let mut found = Vec::new();
    let axes = Places::<Plane<3, 4>, Strided<2, 3>, 2, 2>::AXES;
    axes.for_each_place(|covered: Covered| {
        found.push((covered.row_starts(4).collect::<Vec<_>>(), covered.columns.count, covered.count()));
    });
    assert_eq!(found, [(vec![0, 4], 2, 4), (vec![3, 7], 1, 2), (vec![8], 2, 2), (vec![11], 1, 1)]);
}

#[test]
fn windows_that_lie_elsewhere_have_other_fingerprints() {
    let all = [
        Same::FINGERPRINT,
        Strided::<2>::FINGERPRINT,
        Strided::<2, 1>::FINGERPRINT,
        Centered::<2>::FINGERPRINT,
        <Valid>::FINGERPRINT,
        Valid::<2>::FINGERPRINT,
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(!all.iter().skip(index + 1).any(|other| other == one), "{index}");
    }
    assert_eq!(Strided::<1>::FINGERPRINT, Same::FINGERPRINT, "the same places");
}
