//! Checkpoints in flash: the bytes are those of the drawing, the newest whole one is found, and every error is passed on and changes nothing.
//!
//! Oracles: places written by hand from the drawing at the head of `flash.rs` (CRC-32 by crate `crc`); a training that never was in flash;
//! the simulated flash's own rules. That power may fail is in `power_cuts`.

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, HEAD_BYTES, RegionError, Store, place_bytes};
use baregrad::checkpoint::{LoadError, SaveError, training_bytes, weights_bytes};
use baregrad::layer::Tensors;
use baregrad::{Adam, Dense, Network, Relu, Sgd, Tanh, Trainer, Zero, floats};
use crc::{CRC_32_ISO_HDLC, Crc};
use host_tests::course::{Course, Large, Small};
use host_tests::flash::{SimError, SimFlash, drawn_place};
use rand_core::Rng;
use rand_pcg::Pcg32;

type Flash = SimFlash<4, 2048>;
const PAGE: usize = 2048;

fn small(flash: &mut Flash) -> Store<&mut Flash> {
    let end = flash.bytes.len() as u32;
    Store::new(flash, 0..end, Course::<Small>::BYTES).expect("a region of two places")
}

fn large(flash: &mut Flash) -> Store<&mut Flash> {
    let end = flash.bytes.len() as u32;
    Store::new(flash, 0..end, Course::<Large>::BYTES).expect("a region of two places")
}

/// A place of some pages by hand.
fn drawn(sequence: u32, checkpoint: &[u8], pages: usize) -> Vec<u8> {
    drawn_place(sequence, checkpoint, pages * PAGE)
}

/// Courses that have been trained a step further each.
fn courses(count: u32) -> Vec<Course<Small>> {
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
fn refuses(flash: &mut Flash, error: FlashLoadError<SimError>) {
    let mut course = Course::<Small>::new(77);
    let before = course.bytes();
    assert_eq!(course.load_from(&mut small(flash)), Err(error));
    assert_eq!(course.bytes(), before, "a load that fails changes nothing");
}

/// The state that a fresh program finds.
#[track_caller]
fn found(flash: &mut Flash) -> (u32, Vec<u8>) {
    let mut course = Course::<Small>::new(77);
    let sequence = course.load_from(&mut small(flash)).expect("a checkpoint");
    (sequence, course.bytes())
}

#[test]
fn places_are_the_bytes_of_the_drawing() {
    let mut flash = Flash::new(5);
    let mut course = Course::<Large>::new(1);
    let mut expected = Vec::new();
    for sequence in 0..2 {
        course.train(1);
        assert_eq!(course.save_to(&mut large(&mut flash)), Ok(sequence));
        expected.extend(drawn(sequence, &course.bytes(), 2));
    }
    expected.extend([0xFF; PAGE]); // no whole place
    assert!(flash.bytes == expected);
    assert_eq!(flash.erases, [1, 1, 1, 1, 0]);
}

#[test]
fn places_written_by_hand_are_loaded() {
    let states = courses(3);
    let bytes = [drawn(7, &states[0].bytes(), 1), drawn(9, &states[1].bytes(), 1), drawn(8, &states[2].bytes(), 1)];
    assert_eq!(found(&mut Flash::with_bytes(bytes.concat())), (9, states[1].bytes()));
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
    assert_eq!(store.save_weights(&course.trainer.network), Ok(0));
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
    let bytes = [drawn(u32::MAX - 2, &states[0].bytes(), 1), drawn(u32::MAX - 3, &states[1].bytes(), 1)];
    let mut flash = Flash::with_bytes(bytes.concat());
    assert_eq!(found(&mut flash).0, u32::MAX - 2);
    for (course, expected) in states.iter().zip([u32::MAX - 1, u32::MAX, 0, 1, 2]) {
        assert_eq!(course.save_to(&mut small(&mut flash)), Ok(expected));
        assert_eq!(found(&mut flash), (expected, course.bytes()));
    }
}

#[test]
fn an_erased_flash_and_one_of_random_bytes_are_empty_and_can_be_saved_to() {
    let mut random = Pcg32::new(1, 0);
    let mut noise = vec![0; 3 * PAGE];
    random.fill_bytes(&mut noise);
    for bytes in [vec![0xFF; 3 * PAGE], vec![0; 3 * PAGE], noise] {
        let mut flash = Flash::with_bytes(bytes);
        refuses(&mut flash, FlashLoadError::Empty);
        let course = &courses(1)[0];
        assert_eq!(course.save_to(&mut small(&mut flash)), Ok(0));
        assert_eq!(found(&mut flash), (0, course.bytes()));
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
fn a_store_made_for_larger_checkpoints_is_damaged_for_a_smaller_one() {
    let mut flash = Flash::new(4);
    Course::<Large>::new(1).save_to(&mut large(&mut flash)).expect("it fits");
    refuses(&mut flash, FlashLoadError::Damaged);
}

#[test]
fn a_damaged_newest_gives_way_to_the_one_before_and_never_comes_back() {
    let states = courses(4);
    let mut flash = Flash::new(3);
    for course in &states[..3] {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    let intact = flash.bytes.clone();
    let last = flash.bytes.len() - PAGE + HEAD_BYTES;
    for bit in 0..8 * Course::<Small>::BYTES {
        flash.bytes[last + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(found(&mut flash), (1, states[1].bytes()), "bit {bit}");
        flash.bytes[last + bit / 8] ^= 1 << (bit % 8);
    }
    // Two are damaged: what is saved next goes not over the last whole one, and stays the newest when they read well again.
    flash.bytes[last] ^= 1;
    flash.bytes[PAGE + HEAD_BYTES] ^= 1;
    assert_eq!(found(&mut flash), (0, states[0].bytes()));
    assert_eq!(states[3].save_to(&mut small(&mut flash)), Ok(3));
    assert!(flash.bytes[..PAGE] == intact[..PAGE]);
    flash.bytes[last] ^= 1;
    assert_eq!(found(&mut flash), (3, states[3].bytes()));
}

#[test]
fn a_flipped_bit_in_head_or_mark_hides_a_place() {
    let states = courses(2);
    let mut flash = Flash::new(2);
    for course in &states {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    for bit in (0..8 * 16).chain(8 * 32..8 * 36) {
        flash.bytes[PAGE + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(found(&mut flash), (0, states[0].bytes()), "bit {bit}");
        flash.bytes[PAGE + bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn all_damaged_is_an_error_of_its_own() {
    let mut flash = Flash::new(2);
    for course in courses(2) {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    flash.bytes[HEAD_BYTES + 40] ^= 1;
    flash.bytes[PAGE + HEAD_BYTES + 50] ^= 1;
    refuses(&mut flash, FlashLoadError::Damaged);
    assert_eq!(courses(1)[0].save_to(&mut small(&mut flash)), Ok(2));
    assert_eq!(found(&mut flash).0, 2);
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
        assert_eq!(small(&mut flash).save_weights(&course.trainer.network), refused);

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
    assert_eq!(flash.erases, [2, 2, 2, 2, 0]);
}

#[test]
fn an_error_of_the_flash_is_passed_on_from_every_call() {
    let mut base = Flash::new(2);
    let states = courses(4);
    for course in &states[..3] {
        course.save_to(&mut small(&mut base)).expect("it fits");
    }
    let (mut saves, mut loads, mut unsteady) = (0, 0, 0);
    loop {
        let mut flash = base.clone();
        flash.broken_call = Some(base.calls + saves);
        match states[3].save_to(&mut small(&mut flash)) {
            Err(error) => assert_eq!(error, FlashSaveError::Flash(SimError::Broken), "call {saves}"),
            Ok(sequence) => break assert_eq!(sequence, 3),
        }
        saves += 1;
        let (sequence, bytes) = found(&mut flash);
        assert!((sequence, &bytes) == (2, &states[2].bytes()) || (sequence, &bytes) == (3, &states[3].bytes()));
        // Again.
        assert_eq!(states[3].save_to(&mut small(&mut flash)), Ok(sequence + 1));
        assert_eq!(found(&mut flash), (sequence + 1, states[3].bytes()));
    }
    loop {
        let mut flash = base.clone();
        flash.broken_call = Some(base.calls + loads);
        let mut course = Course::<Small>::new(77);
        let before = course.bytes();
        match course.load_from(&mut small(&mut flash)) {
            Err(FlashLoadError::Unsteady) => unsteady += 1,
            Err(error) => {
                assert_eq!(error, FlashLoadError::Flash(SimError::Broken));
                assert_eq!(course.bytes(), before, "call {loads}");
                assert_eq!(unsteady, 0, "only the last reading is the one that loads");
            }
            Ok(sequence) => break assert_eq!(sequence, 2),
        }
        loads += 1;
    }
    // Two heads and three pieces read; an erase, three pieces written and read; head and mark written, and read.
    assert_eq!(saves, (2 + 3) + (1 + 3 + 3) + (2 + 1));
    assert_eq!((loads, unsteady), (2 + 3 + 3 + 3, 3));
    let mut broken = base.clone();
    broken.broken_call = Some(base.calls);
    assert_eq!(small(&mut broken).erase(), Err(SimError::Broken));
}

#[test]
fn bytes_that_change_between_two_readings_are_noticed() {
    let mut base = Flash::new(2);
    courses(1)[0].save_to(&mut small(&mut base)).expect("it fits");
    for (reading, error) in [
        (0, FlashLoadError::Damaged),
        (1, FlashLoadError::Load(LoadError::ChecksumMismatch)),
        (2, FlashLoadError::Unsteady),
    ] {
        let mut flash = base.clone();
        // After two heads, pieces by threes.
        flash.flaky_read = Some((base.calls + 2 + 3 * reading, HEAD_BYTES + 100));
        assert_eq!(Course::<Small>::new(77).load_from(&mut small(&mut flash)), Err(error));
    }
}

#[test]
fn pages_that_do_not_keep_what_is_written_are_noticed() {
    let states = courses(2);
    let mut base = Flash::new(2);
    states[0].save_to(&mut small(&mut base)).expect("it fits");
    // A bit of the checkpoint, of the head, of the mark, and of the length.
    for (place, bits) in [(HEAD_BYTES + 1, 0xFF), (0, 0xFF), (32, 0xFF), (11, 1)] {
        let mut flash = base.clone();
        flash.stuck = vec![(PAGE + place, bits)];
        assert_eq!(states[1].save_to(&mut small(&mut flash)), Err(FlashSaveError::NotKept), "byte {place}");
        assert_eq!(found(&mut flash), (0, states[0].bytes()));
    }
}

#[test]
fn a_flash_that_is_protected_is_noticed_though_an_older_checkpoint_is_in_the_place() {
    let states = courses(3);
    let mut flash = Flash::new(2);
    for course in &states[..2] {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    flash.protected = true;
    assert_eq!(states[2].save_to(&mut small(&mut flash)), Err(FlashSaveError::NotKept));
    assert_eq!(found(&mut flash), (1, states[1].bytes()));
}

#[test]
fn a_place_whose_head_gives_an_impossible_length_is_damaged() {
    // No bytes have the checksum 0, which is what is read beyond their end.
    for length in [0, 3, 4, 35] {
        refuses(
            &mut Flash::with_bytes([drawn(1, &vec![0; length], 1), vec![0xFF; PAGE]].concat()),
            FlashLoadError::Damaged,
        );
    }
    for length in [PAGE - 63, 1 << 20] {
        let mut place = drawn(1, &vec![0; length], 1);
        place.truncate(PAGE);
        refuses(&mut Flash::with_bytes([place, vec![0xFF; PAGE]].concat()), FlashLoadError::Damaged);
    }
}

#[test]
fn the_shortest_checkpoint_there_can_be_is_whole() {
    // A header that names no weights, and its checksum: damaged it is not.
    let mut checkpoint = b"BGRD\x01\0\x02\0".to_vec();
    checkpoint.resize(32, 0);
    checkpoint.extend(Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&checkpoint).to_le_bytes());
    refuses(
        &mut Flash::with_bytes([drawn(1, &checkpoint, 1), vec![0xFF; PAGE]].concat()),
        FlashLoadError::Load(LoadError::OtherArchitecture),
    );
}

#[test]
fn errors_say_what_is_wrong() {
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
    assert_eq!(row::<Xor>(), [(104, 1), (120, 1), (276, 1)]);
    assert_eq!(row::<Iris>(), [(560, 1), (576, 1), (1644, 1)]);
    assert_eq!(row::<Digits>(), [(9676, 5), (9692, 5), (28_992, 15)]);
    assert_eq!(row::<Mnist>(), [(82_876, 41), (82_892, 41), (248_592, 122)]);
}
