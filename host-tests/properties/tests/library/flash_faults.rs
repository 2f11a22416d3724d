//! Checkpoints in flash that is damaged, torn or worn out: what is whole is found, every error is passed on and changes nothing.

use baregrad::checkpoint::LoadError;
use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, HEAD_BYTES, Saved, Store};
use crc::{CRC_32_ISO_HDLC, Crc};
use host_tests::course::{Course, Large, Small};
use host_tests::flash::{SimError, SimFlash};
use rand_core::Rng;
use rand_pcg::Pcg32;

use crate::flash::{Flash, PAGE, courses, drawn, found, refuses, small};

#[test]
fn an_erased_flash_is_empty_and_one_of_any_other_bytes_is_damaged_and_both_can_be_saved_to() {
    let mut random = Pcg32::new(1, 0);
    let mut noise = vec![0; 3 * PAGE];
    random.fill_bytes(&mut noise);
    let bit = |at: usize| (0..3 * PAGE).map(|index| 0xFF ^ u8::from(index == at)).collect();
    let (erased, zeros) = (vec![0xFF; 3 * PAGE], vec![0; 3 * PAGE]);
    for bytes in [erased.clone(), zeros, noise, bit(0), bit(PAGE + 77), bit(3 * PAGE - 1)] {
        let error = if bytes == erased { FlashLoadError::Empty } else { FlashLoadError::Damaged };
        let mut flash = Flash::with_bytes(bytes);
        refuses(&mut flash, error);
        assert!(!small(&mut flash).finds_checkpoint());
        let course = &courses(1)[0];
        assert_eq!(course.save_to(&mut small(&mut flash)), Ok(0));
        assert_eq!(found(&mut flash), (0, course.bytes()));
    }
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

/// As where two stores lay side by side, and their regions are one now.
#[test]
fn of_places_with_the_same_number_each_is_tried() {
    let states: Vec<Vec<u8>> = courses(4).iter().map(Course::bytes).collect();
    let [older, first, second, third] = &states[..] else { panic!("four states") };
    let intact = drawn(1, &[(5, first), (4, older), (5, second), (5, third)]);
    let places = [(0, first), (2, second), (3, third)];
    for damaged in 0..8 {
        for marked in [true, false] {
            let mut flash = Flash::with_bytes(intact.clone());
            for place in 0..4 {
                if !marked {
                    flash.bytes[place * PAGE + 32..][..4].fill(0xFF);
                }
            }
            let is_damaged = |index: usize| damaged >> index & 1 == 1;
            for (index, (place, _)) in places.iter().enumerate() {
                flash.bytes[place * PAGE + HEAD_BYTES] ^= u8::from(is_damaged(index));
            }
            let whole = (0..3).find(|index| !is_damaged(*index)).map(|index| places[index]);
            let (number, (place, state)) = whole.map_or((4, (1, older)), |whole| (5, whole));
            assert_eq!(found(&mut flash), (number, state.clone()), "{damaged:03b}, marked {marked}");
            // A save takes another place, and the next number.
            let before = flash.bytes[place * PAGE..][..PAGE].to_vec();
            assert_eq!(courses(1)[0].save_to(&mut small(&mut flash)), Ok(6));
            assert!(flash.bytes[place * PAGE..][..PAGE] == before[..]);
        }
    }
}

#[test]
fn a_flipped_bit_in_head_or_mark_hides_a_place() {
    let states = courses(2);
    let mut flash = Flash::new(2);
    for course in &states {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    for bit in (0..8 * 28).chain(8 * 32..8 * 36) {
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
    assert!(!small(&mut flash).finds_checkpoint());
    assert_eq!(courses(1)[0].save_to(&mut small(&mut flash)), Ok(2));
    assert_eq!(found(&mut flash).0, 2);
}

#[test]
fn an_error_of_the_flash_is_passed_on_from_every_write_and_a_read_is_tried_again() {
    let mut base = Flash::new(2);
    let states = courses(4);
    for course in &states[..3] {
        course.save_to(&mut small(&mut base)).expect("it fits");
    }
    let (mut saves, mut loads, mut failed) = (0, 0, 0);
    loop {
        let mut flash = base.clone();
        flash.broken_call = Some(base.calls + saves);
        let result = states[3].save_to(&mut small(&mut flash));
        let unbroken = flash.calls <= base.calls + saves;
        saves += 1;
        let (sequence, bytes) = found(&mut flash);
        match result {
            Err(error) => {
                assert_eq!(error, FlashSaveError::Flash(SimError::Broken), "call {saves}");
                assert_eq!((sequence, bytes), (2, states[2].bytes()));
                failed += 1;
            }
            Ok(number) => assert_eq!((sequence, bytes), (number, states[3].bytes())),
        }
        // Again.
        let next = states[1].save_to(&mut small(&mut flash)).expect("a sound flash");
        assert_eq!(found(&mut flash), (next, states[1].bytes()));
        if unbroken {
            break;
        }
    }
    loop {
        let mut flash = base.clone();
        flash.broken_call = Some(base.calls + loads);
        assert_eq!(found(&mut flash), (2, states[2].bytes()));
        if flash.calls <= base.calls + loads {
            break;
        }
        loads += 1;
    }
    // An erase; the head, four pieces and the mark.
    assert_eq!(failed, 1 + 1 + 4 + 1);
    // A head in every 64 bytes, and two marks; four pieces, three times.
    assert_eq!(loads, 2 * 32 + 2 + 3 * 4);
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
        // After all heads and one mark, pieces by threes.
        flash.flaky_read = Some((base.calls + 65 + 3 * reading, HEAD_BYTES + 100));
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
            &mut Flash::with_bytes([drawn(1, &[(1, &vec![0; length])]), vec![0xFF; PAGE]].concat()),
            FlashLoadError::Damaged,
        );
    }
    for length in [PAGE - 63, 1 << 20] {
        let mut place = drawn(1, &[(1, &vec![0; length])]);
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
        &mut Flash::with_bytes([drawn(1, &[(1, &checkpoint)]), vec![0xFF; PAGE]].concat()),
        FlashLoadError::Load(LoadError::OtherArchitecture),
    );
}

#[test]
fn heads_that_are_all_damaged_are_not_an_empty_flash() {
    let mut whole = Flash::new(3);
    for course in courses(4) {
        course.save_to(&mut small(&mut whole)).expect("it fits");
    }
    let flip: fn(&mut [u8]) = |head| head[5] ^= 4;
    for damage in [flip, |head| head[..32].fill(0), |head| head.fill(0), |head| head.fill(0xFF)] {
        let mut flash = whole.clone();
        for place in 0..3 {
            damage(&mut flash.bytes[place * PAGE..][..HEAD_BYTES]);
        }
        refuses(&mut flash, FlashLoadError::Damaged);
        assert!(small(&mut flash).finds_checkpoint(), "a new start would write over it");
    }
}

#[test]
fn a_checkpoint_that_lacks_only_its_mark_is_loaded_where_no_other_is_whole() {
    let states = courses(3);
    let mut flash = Flash::new(2);
    for course in &states[..2] {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    flash.bytes[PAGE + 32] ^= 1;
    assert_eq!(found(&mut flash), (0, states[0].bytes()));
    flash.bytes[33] ^= 1;
    assert_eq!(found(&mut flash), (1, states[1].bytes()));
    let first = flash.bytes[PAGE..].to_vec();
    assert_eq!(states[2].save_to(&mut small(&mut flash)), Ok(2));
    assert_eq!(found(&mut flash), (2, states[2].bytes()));
    assert!(flash.bytes[PAGE..] == first, "the newest is left alone");
}

#[test]
fn a_word_that_cannot_be_read_hides_its_place_until_a_save_erases_it() {
    let states = courses(5);
    let mut base = SimFlash::<8, PAGE>::new(3);
    fn store(flash: &mut SimFlash<8, PAGE>) -> Store<&mut SimFlash<8, PAGE>> {
        Store::new(flash, 0..3 * PAGE as u32, Course::<Small>::BYTES).expect("three places")
    }
    let found = |flash: &mut SimFlash<8, PAGE>| {
        let mut course = Course::<Small>::new(77);
        course.load_from(&mut store(flash)).map(|sequence| (sequence, course.bytes()))
    };
    for course in &states[..3] {
        course.save_to(&mut store(&mut base)).expect("it fits");
    }
    let words = (HEAD_BYTES + Course::<Small>::BYTES).div_ceil(8);
    for word in 0..words {
        let mut flash = base.clone();
        flash.torn[2 * PAGE / 8 + word] = true;
        // Between head and mark, and behind the mark, are ones: they are read with them.
        assert_eq!(found(&mut flash), Ok((1, states[1].bytes())), "word {word}");
        let number = states[3].save_to(&mut store(&mut flash)).expect("it is erased");
        assert!(!flash.torn.contains(&true));
        assert_eq!(found(&mut flash), Ok((number, states[3].bytes())));

        // In each place: only then is it an error.
        for place in 0..3 {
            flash.torn[place * PAGE / 8 + word] = true;
        }
        let (bytes, steps) = (flash.bytes.clone(), flash.steps);
        if (4..8).contains(&word) {
            // The mark alone: heads and checkpoints are whole.
            assert_eq!(found(&mut flash), Ok((number, states[3].bytes())));
            continue;
        }
        assert_eq!(found(&mut flash), Err(FlashLoadError::Flash(SimError::Uncorrectable)), "word {word}");
        let refused = Err(FlashSaveError::Flash(SimError::Uncorrectable));
        assert_eq!(states[4].save_to(&mut store(&mut flash)), refused);
        assert!(flash.bytes == bytes && flash.steps == steps, "refused before anything is erased");
        // One that can be read, and is not whole.
        flash.torn[word] = false;
        flash.bytes[HEAD_BYTES + 9] ^= 1;
        assert_eq!(found(&mut flash), Err(FlashLoadError::Damaged));
        assert_eq!(store(&mut flash).erase(), Ok(()));
        assert_eq!(found(&mut flash), Err(FlashLoadError::Empty));
    }
}

#[test]
fn a_newer_checkpoint_that_could_not_be_read_for_a_time_does_not_come_back() {
    let states = courses(5);
    let mut flash = Flash::new(4);
    for course in &states[..4] {
        course.save_to(&mut small(&mut flash)).expect("it fits");
    }
    // The two newest. The next save erases one of them.
    flash.torn[2 * PAGE / 4] = true;
    flash.torn[3 * PAGE / 4] = true;
    assert_eq!(found(&mut flash), (1, states[1].bytes()));
    states[4].save_to(&mut small(&mut flash)).expect("in the place behind");
    flash.torn.fill(false);
    assert_eq!(found(&mut flash).1, states[4].bytes());
}

#[test]
fn a_page_that_is_worn_out_is_skipped_and_reported_where_there_are_three_places() {
    fn lives<N, const OUT: usize>(places: usize, wear: impl Fn(&mut Flash))
    where
        N: baregrad::Network<Out = baregrad::Features<OUT>>,
        baregrad::MeanSquaredError: baregrad::loss::Loss<N::Out, N::Activation, [f32; OUT]>,
    {
        let pages = baregrad::checkpoint::flash::place_bytes::<Flash>(Course::<N>::BYTES) / PAGE;
        let mut flash = Flash::new(places * pages);
        let region = 0..(places * pages * PAGE) as u32;
        let (mut course, mut old, mut skipped) = (Course::<N>::new(1), None, 0);
        for save in 0..12 {
            if save == 4 {
                wear(&mut flash);
            }
            course.train(1);
            let mut store = Store::new(&mut flash, region.clone(), Course::<N>::BYTES).expect("places");
            let result = course.report_save_to(&mut store);
            let mut loaded = Course::<N>::new(77);
            let sequence = loaded.load_from(&mut store).expect("one is whole");
            // A place that failed may be whole even so, and no two may be the newest.
            let heads = flash.bytes.chunks_exact(pages * PAGE).filter(|place| place.starts_with(b"BGF2"));
            let mut numbers: Vec<_> = heads.map(|place| place[4..8].to_vec()).collect();
            let heads = numbers.len();
            numbers.sort();
            numbers.dedup();
            assert_eq!(numbers.len(), heads, "save {save}");
            match result {
                Ok(saved) => {
                    assert_eq!(saved, Saved { sequence, ..saved });
                    assert!(loaded.bytes() == course.bytes(), "save {save}");
                    skipped += saved.skipped;
                    old = Some(course.bytes());
                }
                Err(error) => {
                    assert!(places == 2 && save >= 4, "save {save}: {error:?}");
                    assert!(Some(loaded.bytes()) == old, "the newest is still there");
                }
            }
        }
        // Eight saves around all places but one.
        if places > 2 {
            let rounds = 8 / (places as u32 - 1);
            assert!((rounds - 1..=rounds + 1).contains(&skipped), "{skipped} times");
        }
    }
    for places in [2, 3, 4] {
        for page in 0..places {
            lives::<Small, 1>(places, |flash| flash.no_erase = vec![page]);
            lives::<Small, 1>(places, |flash| flash.no_program = vec![page]);
            for byte in [1, 5, 25, 32, HEAD_BYTES + 1] {
                lives::<Small, 1>(places, |flash| flash.stuck = vec![(page * PAGE + byte, 0xFF)]);
            }
        }
        for page in 0..2 * places {
            lives::<Large, 2>(places, |flash| flash.no_erase = vec![page]);
            lives::<Large, 2>(places, |flash| flash.no_program = vec![page]);
        }
    }
}
