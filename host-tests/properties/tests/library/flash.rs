//! Checkpoints in flash: the bytes are those of the drawing, and the newest whole one is found.
//!
//! Oracles: places written by hand from the drawing at the head of `flash.rs` (CRC-32 by crate `crc`); a training that never was in flash;
//! the simulated flash's own rules. What goes wrong is in `flash_faults`, other layouts are in `flash_layouts`, that power may fail in `power_cuts`.

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, RegionError, Saved, Store, place_bytes};
use baregrad::checkpoint::{LoadError, SaveError, training_bytes, weights_bytes};
use baregrad::layer::Tensors;
use baregrad::{Adam, Dense, Network, Relu, Sgd, Tanh, Trainer, Zero, floats};
use host_tests::course::{Course, Large, Small};
use host_tests::flash::{SimError, SimFlash, drawn_place, drawn_place_1};

pub(crate) type Flash = SimFlash<4, 2048>;
pub(crate) const PAGE: usize = 2048;

pub(crate) fn small(flash: &mut Flash) -> Store<&mut Flash> {
    let end = flash.bytes.len() as u32;
    Store::new(flash, 0..end, Course::<Small>::BYTES).expect("a region of two places")
}

fn large(flash: &mut Flash) -> Store<&mut Flash> {
    let end = flash.bytes.len() as u32;
    Store::new(flash, 0..end, Course::<Large>::BYTES).expect("a region of two places")
}

/// Places of some pages by hand, of which each has a sequence number and a checkpoint.
pub(crate) fn drawn(pages: usize, places: &[(u32, &[u8])]) -> Vec<u8> {
    let draw = |(place, (sequence, checkpoint)): (u32, &(u32, &[u8]))| {
        drawn_place(*sequence, checkpoint, pages * PAGE, place, places.len() as u32)
    };
    (0..).zip(places).flat_map(draw).collect()
}

/// Courses that have been trained a step further each.
pub(crate) fn courses(count: u32) -> Vec<Course<Small>> {
    (0..count)
        .map(|steps| {
            let mut course = Course::new(1);
            course.train(steps);
            course
        })
        .collect()
}

/// A load that must fail, and change nothing.
#[track_caller]
pub(crate) fn refuses(flash: &mut Flash, error: FlashLoadError<SimError>) {
    let mut course = Course::<Small>::new(77);
    let before = course.bytes();
    assert_eq!(course.load_from(&mut small(flash)), Err(error));
    assert_eq!(course.bytes(), before, "a load that fails changes nothing");
}

/// The state that a fresh program finds.
#[track_caller]
pub(crate) fn found(flash: &mut Flash) -> (u32, Vec<u8>) {
    let mut course = Course::<Small>::new(77);
    let sequence = course.load_from(&mut small(flash)).expect("a checkpoint");
    (sequence, course.bytes())
}

#[test]
fn places_are_the_bytes_of_the_drawing() {
    let mut flash = Flash::new(5);
    let mut course = Course::<Large>::new(1);
    let states = [0, 1].map(|sequence| {
        course.train(1);
        assert_eq!(course.save_to(&mut large(&mut flash)), Ok(sequence));
        course.bytes()
    });
    let mut expected = drawn(2, &[(0, &states[0]), (1, &states[1])]);
    expected.extend([0xFF; PAGE]); // no whole place
    assert!(flash.bytes == expected);
    assert_eq!(flash.erases, [1, 1, 1, 1, 0]);
}

#[test]
fn places_written_by_hand_are_loaded() {
    let states = courses(3);
    let [first, second, third] = [0, 1, 2].map(|index| states[index].bytes());
    let bytes = drawn(1, &[(7, &first), (9, &second), (8, &third)]);
    assert_eq!(found(&mut Flash::with_bytes(bytes)), (9, second.clone()));
    // As version 1 wrote them.
    let bytes = [(7, &first), (9, &second), (8, &third)].map(|(number, state)| drawn_place_1(number, state, PAGE));
    let mut flash = Flash::with_bytes(bytes.concat());
    assert_eq!(found(&mut flash), (9, second));
    assert_eq!(states[0].save_to(&mut small(&mut flash)), Ok(10));
    assert_eq!(found(&mut flash), (10, first));
}

#[test]
fn saves_go_around_all_places_and_the_newest_is_loaded() {
    for places in [2, 3, 7] {
        let mut flash = Flash::new(places);
        for (sequence, course) in courses(21).iter().enumerate() {
            let expected = (sequence as u32, course.bytes());
            assert_eq!(course.save_to(&mut small(&mut flash)), Ok(expected.0));
            assert_eq!(found(&mut flash), expected);
        }
        let (least, most) = (flash.erases.iter().min().unwrap(), flash.erases.iter().max().unwrap());
        assert!(most - least <= 1, "{:?}", flash.erases);
        assert_eq!(flash.erases.iter().sum::<u32>(), 21, "one page a save");
    }
}

#[test]
fn weights_alone_are_saved_and_loaded() {
    let mut flash = Flash::new(2);
    let course = Course::<Small>::new(3);
    let mut store = Store::new(&mut flash, 0..2 * PAGE as u32, weights_bytes::<Small>()).unwrap();
    assert_eq!(store.places(), 2);
    assert_eq!(store.save_weights(&course.trainer.network), Ok(Saved { sequence: 0, skipped: 0 }));
    let mut other = Course::<Small>::new(4);
    assert_eq!(store.load_weights(&mut other.trainer.network), Ok(0));
    other.extra = course.extra;
    assert_eq!(other.bytes(), course.bytes());
    assert_eq!(store.release().erases, [1, 0]);
    refuses(&mut flash, FlashLoadError::Load(LoadError::OtherKind { found: 1 }));
}

#[test]
fn sequence_numbers_wrap() {
    let states = courses(8);
    let bytes = drawn(1, &[(u32::MAX - 2, &states[0].bytes()), (u32::MAX - 3, &states[1].bytes())]);
    let mut flash = Flash::with_bytes(bytes);
    assert_eq!(found(&mut flash).0, u32::MAX - 2);
    for (course, expected) in states.iter().zip([u32::MAX - 1, u32::MAX, 0, 1, 2]) {
        assert_eq!(course.save_to(&mut small(&mut flash)), Ok(expected));
        assert_eq!(found(&mut flash), (expected, course.bytes()));
    }
}

#[test]
fn checkpoints_of_another_network_are_named_and_saved_over() {
    type Other = (Dense<2, 2, Tanh>, Dense<2, 1>);
    let mut flash = Flash::new(2);
    let other = Trainer::<Other, Sgd, 1, { floats::<Other>() }>::NEW;
    for _ in 0..2 {
        other.save_to_flash(&Sgd::new(0.1), &(), &mut small(&mut flash)).expect("it fits");
    }
    refuses(&mut flash, FlashLoadError::Load(LoadError::OtherArchitecture));
    // The first of ours; the other's newer one is still there, but no longer the newest.
    let course = &courses(1)[0];
    assert_eq!(course.save_to(&mut small(&mut flash)), Ok(2));
    assert_eq!(found(&mut flash), (2, course.bytes()));
}

#[test]
fn a_checkpoint_of_a_larger_network_is_named() {
    let mut flash = Flash::new(4);
    Course::<Large>::new(1).save_to(&mut large(&mut flash)).expect("it fits");
    refuses(&mut flash, FlashLoadError::Load(LoadError::OtherArchitecture));
}

#[test]
fn a_state_that_is_not_finite_is_refused_before_anything_is_erased() {
    let mut flash = Flash::new(2);
    for course in courses(3) {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    let (bytes, steps) = (flash.bytes.clone(), flash.steps);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut course = Course::<Small>::new(1);
        let mut pieces = 0;
        course.trainer.network.for_each_tensor_mut(&mut |piece| {
            pieces += 1;
            piece[0] = if pieces == 4 { bad } else { piece[0] };
        });
        let refused = Err(FlashSaveError::Save(SaveError::NonFiniteWeights));
        assert_eq!(course.save_to(&mut small(&mut flash)), refused);
        assert_eq!(small(&mut flash).save_weights(&course.trainer.network).map(|saved| saved.sequence), refused);

        let mut course = Course::<Small>::new(1);
        course.trainer.slots.for_each_tensor_mut(&mut |piece| piece[0].second_moment = bad);
        assert_eq!(course.save_to(&mut small(&mut flash)), Err(FlashSaveError::Save(SaveError::NonFiniteSlots)));
    }
    assert!(flash.bytes == bytes && flash.steps == steps);
}

#[test]
fn regions_that_cannot_be_used_are_refused() {
    let new = |start: usize, end: usize, bytes| {
        Store::new(Flash::new(8), start as u32..end as u32, bytes).map(|store| store.places())
    };
    assert_eq!(new(0, 8 * PAGE, 100), Ok(8));
    assert_eq!(new(PAGE, 3 * PAGE, PAGE - 64), Ok(2));
    assert_eq!(new(0, 3 * PAGE, PAGE - 63), Err(RegionError::TooSmall { needed: 4 * PAGE }));
    assert_eq!(new(0, PAGE, 100), Err(RegionError::TooSmall { needed: 2 * PAGE }));
    assert_eq!(new(0, 0, 100), Err(RegionError::TooSmall { needed: 2 * PAGE }));
    assert_eq!(new(4 * PAGE, PAGE, 100), Err(RegionError::TooSmall { needed: 2 * PAGE }));
    assert_eq!(new(4, 4 * PAGE, 100), Err(RegionError::NotWholePages));
    assert_eq!(new(0, 4 * PAGE - 4, 100), Err(RegionError::NotWholePages));
    assert_eq!(new(0, 9 * PAGE, 100), Err(RegionError::BeyondFlash));
    assert!(matches!(new(0, 8 * PAGE, usize::MAX), Err(RegionError::TooSmall { .. })));
    assert_eq!((place_bytes::<Flash>(PAGE - 64), place_bytes::<Flash>(PAGE - 63)), (PAGE, 2 * PAGE));
}

#[test]
fn a_checkpoint_larger_than_its_place_is_refused_before_anything_is_erased() {
    let mut flash = Flash::new(4);
    let needed = training_bytes::<Large, Adam, (u32, u64)>();
    let result = Course::<Large>::new(1).save_to(&mut small(&mut flash));
    assert_eq!(result, Err(FlashSaveError::PlaceTooSmall { needed }));
    // 1,996 bytes would fit a page, but for the head.
    let result = small(&mut flash).save_weights(&<Dense<48, 10>>::ZERO);
    assert_eq!(result, Err(FlashSaveError::PlaceTooSmall { needed: 1996 }));
    assert_eq!(flash.steps, 0);
}

#[test]
fn erase_forgets_everything() {
    let mut flash = Flash::new(5);
    for _ in 0..2 {
        Course::<Large>::new(1).save_to(&mut large(&mut flash)).expect("it fits");
    }
    assert_eq!(large(&mut flash).erase(), Ok(()));
    assert_eq!(Course::<Large>::new(1).load_from(&mut large(&mut flash)), Err(FlashLoadError::Empty));
    // Also what belongs to no place: another layout may have.
    assert_eq!(flash.erases, [2, 2, 2, 2, 1]);
    flash.no_erase = vec![1];
    assert_eq!(large(&mut flash).erase(), Err(SimError::WornOut));
    assert_eq!(flash.erases, [3, 2, 3, 3, 2], "all others");
}

#[test]
fn errors_say_what_is_wrong() {
    let other = FlashLoadError::<SimError>::OtherLayout { places: 4, place_bytes: 2048 }.to_string();
    assert_eq!(other, "a checkpoint of another layout, 4 places of 2048 bytes, that does not fit the flash");
    let other = FlashSaveError::<SimError>::OtherLayout.to_string();
    assert_eq!(other, "the newest checkpoint is of another layout, and would be lost");
    let save = FlashSaveError::Flash(SimError::Broken).to_string();
    assert_eq!(save, "the flash failed: Broken");
    let inner = FlashSaveError::<SimError>::Save(SaveError::NonFiniteWeights).to_string();
    assert_eq!(inner, SaveError::NonFiniteWeights.to_string());
    let load: Box<dyn std::error::Error> = Box::new(FlashLoadError::<SimError>::Empty);
    assert_eq!(load.to_string(), "no checkpoint has been saved here yet");
    assert_eq!(RegionError::BeyondFlash.to_string(), "the region ends beyond the flash");
}

/// The sizes in the README.
#[test]
fn places_of_the_readme_are_right() {
    type Xor = (Dense<2, 4, Tanh>, Dense<4, 1>);
    type Iris = (Dense<4, 16, Relu>, Dense<16, 3>);
    type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);
    type Mnist = (Dense<196, 100, Relu>, Dense<100, 10>);
    fn row<N: Network>() -> [(usize, usize); 3] {
        [weights_bytes::<N>(), training_bytes::<N, Sgd, (u32, u64)>(), training_bytes::<N, Adam, (u32, u64)>()]
            .map(|bytes| (bytes, place_bytes::<Flash>(bytes) / PAGE))
    }
    assert_eq!(row::<Xor>(), [(104, 1), (120, 1), (292, 1)]);
    assert_eq!(row::<Iris>(), [(560, 1), (576, 1), (1660, 1)]);
    assert_eq!(row::<Digits>(), [(9676, 5), (9692, 5), (29_008, 15)]);
    assert_eq!(row::<Mnist>(), [(82_876, 41), (82_892, 41), (248_608, 122)]);
}
