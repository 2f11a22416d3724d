//! Weights from `.safetensors` files and back: what Python wrote loads with its bits, what is wrong is refused by name and changes nothing.
//!
//! Oracles: files and numbers that PyTorch and the Python package wrote (`python/safetensors_files.py`, which has also read what the library
//! writes here); files put together by hand; and for a refused load a copy of all bits from before. `BAREGRAD_WRITE_GOLDEN=1`
//! writes `fixtures/safetensors/to_python*` anew.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use crate::common::{Random, bits, parameters, random_network, set_parameters};
use baregrad::checkpoint::CHUNK;
use baregrad::layer::{InputGradient, Inputs, Layer, NonFinite, Pass, Tensor, Tensors};
use baregrad::network::Entry;
use baregrad::optimizer::{Optimizer, Slot};
use baregrad::safetensors::{self, Dimensions, ExportError, ImportError, Names};
use baregrad::{
    CrossEntropy, Dataset, Dense, Features, Identity, LeakyRelu, Network, Parameters, Relu, Sgd, Sigmoid, Tanh,
    Trainer, Zero, floats,
};
use host_tests::tensor_file::{entry, file, header};

/// What `network()` of `safetensors_files.py` is.
type Net = (Dense<4, 8, Relu>, Dense<8, 5, Tanh>, Dense<5, 3>);
/// The smaller one there.
type Pair = (Dense<3, 2, Relu>, Dense<2, 1>);
/// Nine parameters, for files by hand.
type Small = (Dense<2, 2, Relu>, Dense<2, 1>);

const STRANGE: Names<'_> =
    Names::PyTorch(&["first \"layer\"\\weights", "first\tlayer\nbias", "höhere Schicht €", "/🦀"]);

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/safetensors").join(name)
}

pub(super) fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The arrays of a text file by name.
pub(super) fn arrays(name: &str) -> HashMap<String, Vec<f32>> {
    let text = String::from_utf8(read(name)).expect("text");
    let array = |line: &str| {
        let (head, values) = line.split_once(": ").expect("name: values");
        let name = head.split(' ').next().expect("a name").to_owned();
        (name, values.split(' ').map(|value| value.parse().expect("a number")).collect())
    };
    text.lines().map(array).collect()
}

/// The parameters of a network as PyTorch prints them: each matrix transposed.
fn as_pytorch<const IN: usize, const OUT: usize, A>(layer: &Dense<IN, OUT, A>) -> [Vec<f32>; 2] {
    let columns = (0..OUT).flat_map(|o| layer.weights.rows.iter().map(move |row| row[o]));
    [columns.collect(), layer.bias.to_vec()]
}

fn assert_pair_is(network: &Pair, expected: &HashMap<String, Vec<f32>>) {
    let found = [as_pytorch(&network.0), as_pytorch(&network.1)].concat();
    for (name, found) in ["0.weight", "0.bias", "2.weight", "2.bias"].iter().zip(found) {
        assert_eq!(bits(&found), bits(&expected[*name]), "{name}");
    }
}

// ---- files by Python ----

#[test]
fn pytorch_weights_of_three_types_load_bit_for_bit_and_predict_the_same() {
    for kind in ["f32", "f16", "bf16"] {
        let expected = arrays(&format!("from_python_{kind}.txt"));
        let mut network = Net::ZERO;
        safetensors::load(&mut network, &Names::SEQUENTIAL, &read(&format!("from_python_{kind}.safetensors")))
            .expect(kind);
        let found = [as_pytorch(&network.0), as_pytorch(&network.1), as_pytorch(&network.2)].concat();
        let names = ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"];
        for (name, found) in names.iter().zip(found) {
            assert_eq!(bits(&found), bits(&expected[*name]), "{kind} {name}");
        }
        let (inputs, outputs) = (expected["inputs"].as_chunks::<4>().0, expected["outputs"].as_chunks::<3>().0);
        assert_eq!(inputs.len(), 6);
        for (input, expected) in inputs.iter().zip(outputs) {
            for (ours, theirs) in network.predict(input).as_array().iter().zip(expected) {
                assert!((ours - theirs).abs() <= 1e-6, "{kind}: {ours} for {theirs}");
            }
        }
    }
}

#[test]
fn names_of_any_characters_and_prefixes_are_found() {
    let mut network = Pair::ZERO;
    safetensors::load(&mut network, &STRANGE, &read("from_python_names.safetensors")).expect("the names");
    assert_pair_is(&network, &arrays("from_python_names.txt"));

    // Halves, the smallest and the largest among them.
    safetensors::load(&mut network, &Names::Sequential { prefix: "net." }, &read("from_python_prefix.safetensors"))
        .expect("the prefix");
    assert_pair_is(&network, &arrays("from_python_prefix.txt"));
}

/// Compares with a golden file that Python has read, or writes it.
pub(super) fn assert_golden(name: &str, bytes: &[u8]) {
    if env::var_os("BAREGRAD_WRITE_GOLDEN").is_some() {
        fs::write(path(name), bytes).expect("the fixture can be written");
    }
    assert!(read(name) == bytes, "{name}");
}

#[test]
fn a_network_from_pytorch_goes_on_learning_and_its_file_is_the_one_that_pytorch_has_read() {
    let expected = arrays("from_python_f32.txt");
    let inputs = expected["inputs"].as_chunks::<4>().0;
    let labels = [0_u8, 1, 2, 2, 1, 0];
    let mut trainer = Trainer::<Net, Sgd, 6, { floats::<Net>() }>::NEW;
    safetensors::load(&mut trainer.network, &Names::SEQUENTIAL, &read("from_python_f32.safetensors")).expect("sound");
    let data = Dataset::new(inputs, &labels).expect("as many labels");
    let losses: Vec<f32> =
        (0..40).map(|_| trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1)).expect("sound")).collect();
    assert!(losses[39] < 0.8 * losses[0], "{losses:?}");

    let mut buffer = [0; 2048];
    let length = safetensors::save(&trainer.network, &Names::SEQUENTIAL, &mut buffer).expect("room");
    assert_golden("to_python.safetensors", &buffer[..length]);
    let outputs = inputs.iter().flat_map(|input| *trainer.network.predict(input).as_array());
    let text = |values: Vec<f32>| values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ");
    let (inputs, outputs) = (text(inputs.concat()), text(outputs.collect()));
    assert_golden("to_python.txt", format!("inputs 6 4: {inputs}\noutputs 6 3: {outputs}\n").as_bytes());

    let mut pair = Pair::ZERO;
    safetensors::load(&mut pair, &STRANGE, &read("from_python_names.safetensors")).expect("the names");
    let length = safetensors::save(&pair, &STRANGE, &mut buffer).expect("room");
    assert_golden("to_python_names.safetensors", &buffer[..length]);
}

// ---- round trips ----

#[test]
fn what_is_written_loads_again_by_any_names_and_positions_count_activations() {
    type Deep =
        (Dense<3, 4>, (Dense<4, 2, Sigmoid>, Dense<2, 6, LeakyRelu<20>>), Dense<6, 1, Identity>, Dense<1, 2, Tanh>);
    let network: Deep = random_network(&mut Random::new(3));
    let given: Vec<String> = (0..10).map(|index| format!("tensor \u{1} {index}")).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    for names in [Names::SEQUENTIAL, Names::Sequential { prefix: "a\"b." }, Names::PyTorch(&given)] {
        let mut buffer = vec![0xAA; safetensors::file_bytes::<Deep>(&names)];
        assert_eq!(safetensors::save(&network, &names, &mut buffer), Ok(buffer.len()));
        let mut copy = Deep::ZERO;
        safetensors::load(&mut copy, &names, &buffer).expect("its own");
        assert_eq!(bits(&parameters(&copy)), bits(&parameters(&network)));
    }
    // By the positions of Linear in Sequential(Linear, Linear, Sigmoid, Linear, LeakyReLU, Linear, Linear, Tanh).
    let names: Vec<String> =
        [0, 1, 3, 5, 6].iter().flat_map(|at| [format!("{at}.weight"), format!("{at}.bias")]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut by_position, mut by_name) = ([0; 2048], [0; 2048]);
    assert_eq!(
        safetensors::save(&network, &Names::SEQUENTIAL, &mut by_position),
        safetensors::save(&network, &Names::PyTorch(&names), &mut by_name)
    );
    assert!(by_position == by_name);
}

/// Weights 1 2 3 4, bias 5 6, weights 7 8, bias 9.
fn counted() -> Small {
    let mut network = Small::ZERO;
    set_parameters(&mut network, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    network
}

/// What a file of [`counted`] holds: the first matrix transposed.
fn counted_data() -> Vec<u8> {
    [1.0_f32, 3.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0].iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn sound_entries() -> Vec<String> {
    vec![
        entry("0.weight", &[2, 2], 0, 16),
        entry("0.bias", &[2], 16, 24),
        entry("2.weight", &[1, 2], 24, 32),
        entry("2.bias", &[1], 32, 36),
    ]
}

#[test]
fn the_bytes_written_are_those_of_the_drawing() {
    let mut text = header(&sound_entries()).replace(", ", ",");
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut buffer = [0xAA; 512];
    let length = safetensors::save(&counted(), &Names::SEQUENTIAL, &mut buffer).expect("room");
    assert_eq!(buffer[..length], file(&text, &counted_data()));
    assert!(buffer[length..].iter().all(|byte| *byte == 0xAA));
}

/// The verdict on a file; what is refused must have changed nothing.
fn verdict(bytes: &[u8]) -> Result<Vec<f32>, ImportError> {
    let before: Small = random_network(&mut Random::new(1));
    let mut network = before;
    let verdict = safetensors::load(&mut network, &Names::SEQUENTIAL, bytes);
    if verdict.is_err() {
        assert_eq!(bits(&parameters(&network)), bits(&parameters(&before)), "{verdict:?}");
    }
    verdict.map(|()| parameters(&network))
}

#[test]
fn headers_may_be_written_in_many_ways() {
    let counted = Ok(parameters(&counted()));
    let sound = header(&sound_entries());
    let mut entries = sound_entries();
    entries.reverse();
    let metadata = r#""__metadata__" : { "format":"pt", "a \" \u0022": "\\ }" }"#.to_owned();
    let mut with_metadata = sound_entries();
    with_metadata.insert(2, metadata.clone());
    let variants = [
        sound.clone(),
        header(&entries),
        header(&with_metadata),
        header(&[vec![metadata], sound_entries()].concat()),
        header(&[sound_entries(), vec![r#""__metadata__":{}"#.to_owned()]].concat()),
        sound.replace('{', "{ ").replace(',', " ,\n").replace(':', "\t:\r").replace(']', " \n] "),
        format!("{sound}  \n "),
        sound
            .replace("0.weight", r"\u0030\u002eweigh\u0074")
            .replace("dtype", r"\u0064type")
            .replace("F32", r"F\u00332"),
        sound.replace(r#""dtype":"F32","shape":[1]"#, r#""shape":[1],"dtype":"F32""#),
        sound.replace(
            r#""dtype":"F32","shape":[2],"data_offsets":[16,24]"#,
            r#""data_offsets":[16,24],"shape":[2],"dtype":"F32""#,
        ),
    ];
    for text in variants {
        assert_eq!(verdict(&file(&text, &counted_data())), counted, "{text}");
    }
    // The data in another order than the header, and half of it in another type.
    let data = counted_data();
    let moved = [&data[16..], &data[..16]].concat();
    let entries = [
        entry("0.weight", &[2, 2], 20, 36),
        entry("0.bias", &[2], 0, 8),
        entry("2.weight", &[1, 2], 8, 16),
        entry("2.bias", &[1], 16, 20),
    ];
    assert_eq!(verdict(&file(&header(&entries), &moved)), counted);
    let halves: Vec<u8> = [0x3C00_u16, 0x4200, 0x4000, 0x4400].iter().flat_map(|half| half.to_le_bytes()).collect();
    let text = header(&[
        entry("0.weight", &[2, 2], 0, 8).replace("F32", "F16"),
        entry("0.bias", &[2], 8, 16),
        entry("2.weight", &[1, 2], 16, 24),
        entry("2.bias", &[1], 24, 28),
    ]);
    assert_eq!(verdict(&file(&text, &[&halves, &data[16..]].concat())), counted);
}

#[test]
fn surrogate_pairs_stand_for_one_character() {
    let names = Names::PyTorch(&["🦀", "€", "2.weight", "2.bias"]);
    let text = header(&sound_entries()).replace("0.weight", r"\uD83e\uDD80").replace("0.bias", r"\u20AC");
    let mut network = Small::ZERO;
    assert_eq!(safetensors::load(&mut network, &names, &file(&text, &counted_data())), Ok(()));
    for half in [r"\uD83e", r"\uDD80", r"\uD83e\u0041", r"\uD83ex"] {
        let text = header(&sound_entries()).replace("0.weight", half);
        let refused = safetensors::load(&mut network, &names, &file(&text, &counted_data()));
        assert!(matches!(refused, Err(ImportError::MalformedHeader { .. })), "{half}: {refused:?}");
    }
}

// ---- what is wrong ----

#[test]
fn every_cut_and_every_extension_is_refused() {
    let whole = file(&header(&sound_entries()), &counted_data());
    assert!(verdict(&whole).is_ok());
    let text = whole.len() - 36;
    for length in 0..whole.len() {
        let error = verdict(&whole[..length]).expect_err("cut");
        match length {
            0..8 => assert_eq!(error, ImportError::NoHeader),
            _ if length < text => assert_eq!(error, ImportError::HeaderTooLong { length: text as u64 - 8 }),
            _ => assert!(matches!(error, ImportError::OutOfRange { .. }), "{error:?}"),
        }
    }
    for more in 1..9 {
        let longer = [&whole[..], &vec![0; more]].concat();
        assert_eq!(verdict(&longer), Err(ImportError::UnusedBytes { bytes: more as u64 }));
    }
}

#[test]
fn headers_that_are_not_of_the_format_are_refused_where_they_are_wrong() {
    let sound = header(&sound_entries());
    let first = entry("0.weight", &[2, 2], 0, 16);
    let with_first = |changed: &str| sound.replace(&first, changed);
    // Position of a text in the file.
    let at = |text: &str, part: &str| text.find(part).expect("it is there") + 8;
    let cases = [
        (String::new(), "", 0),
        ("[]".to_owned(), "[", 0),
        (format!(" {sound}"), " {", 0),
        (format!("{sound}x"), "x", 0),
        (sound.replace("]}}", "]}"), "", 0),
        (sound.replace("]},", "]}"), "\"0.bias", 0),
        (format!("{{,{}", &sound[1..]), ",\"0.weight", 0),
        (sound.replace("]}}", "]},}"), "}", usize::MAX),
        (with_first("\"0.weight\":3"), "3", 0),
        (with_first("\"0.weight\":{}"), "}", 0),
        (with_first(&first.replace("dtype", "type")), "\"type", 0),
        (with_first(&first.replace("\"dtype\":\"F32\",", "")), ",\"0.bias", 0),
        (with_first(&first.replace("[0,16]", "[0,16,20]")), ",20", 0),
        (with_first(&first.replace("[0,16]", "[16]")), "]},\"0.bias", 0),
        (with_first(&first.replace("[0,16]", "[00,16]")), "00,16", 0),
        (with_first(&first.replace("[0,16]", "[-0,16]")), "-0", 0),
        (with_first(&first.replace("[0,16]", "[0,16.0]")), ".0", 0),
        (with_first(&first.replace("[2, 2]", "[2,2,]")), "],\"data", 0),
        (with_first(&first.replace("0.weight", "0.\nweight")), "\n", 0),
        (with_first(&first.replace("0.weight", r"0.\xweight")), r"\x", 0),
        (with_first(&first.replace("0.weight", r"0.\u12g4weight")), r"\u12", 0),
        (with_first("\"__metadata__\":{\"a\":1}"), "1}", 0),
    ];
    for (text, part, offset) in cases {
        let expected = match (part, offset) {
            ("", _) => text.len() + 8,
            (_, usize::MAX) => text.rfind(part).expect("it is there") + 8,
            _ => at(&text, part),
        };
        assert_eq!(
            verdict(&file(&text, &counted_data())),
            Err(ImportError::MalformedHeader { at: expected }),
            "{text}"
        );
    }
    let mut bytes = file(&sound, &counted_data());
    bytes[12] = 0xFF;
    assert_eq!(verdict(&bytes), Err(ImportError::HeaderNotUtf8));
    for length in [37, 100_000_001, u64::MAX] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend([b' '; 36]);
        assert_eq!(verdict(&bytes), Err(ImportError::HeaderTooLong { length }));
    }
    // Above what the format allows, though the file has as many.
    let mut bytes = 100_000_001_u64.to_le_bytes().to_vec();
    bytes.resize(100_000_009, b' ');
    assert_eq!(verdict(&bytes), Err(ImportError::HeaderTooLong { length: 100_000_001 }));
}

#[test]
fn a_key_that_stands_twice_is_refused_wherever_it_stands() {
    let sound = header(&sound_entries());
    let first = entry("0.weight", &[2, 2], 0, 16);
    let with_first = |changed: &str| sound.replace(&first, changed);
    let with_metadata = |metadata: &str| format!("{{{metadata},{}", &sound[1..]);
    let with_key = |key: &str| with_first(&format!("{},{key}}}", &first[..first.len() - 1]));
    // The file, the key that stands there for the second time, and whether the reference refuses it too: of some it takes the last.
    let cases = [
        (with_metadata(r#""__metadata__":{},"__metadata__":{}"#), r#""__metadata__"#, true),
        (with_metadata(r#""__metadata__":{"a":"b"},"__metadata_\u005f":{"c":"d"}"#), r#""__metadata_\"#, true),
        (sound.replace("]}}", r#"]},"__metadata__":{},"__metadata__":{}}"#), r#""__metadata__"#, true),
        (with_metadata(r#""__metadata__":{"a":"b","a":"b"}"#), r#""a""#, false),
        (with_metadata(r#""__metadata__":{"a":"1","b":"2", "\u0062":"3"}"#), r#""\u0062"#, false),
        (with_metadata(r#""__metadata__":{"":"1","ab":"2","":"3"}"#), r#""":"3"#, false),
        (with_first(&first.replace("shape", "dtype")), r#""dtype":["#, true),
        (with_key(r#""dtype":"F32""#), r#""dtype":"F32"}"#, true),
        (with_key(r#""shape":[2,2]"#), r#""shape":[2,2]"#, true),
        (with_key(r#""data_offsets":[0,16]"#), r#""data_offsets":[0,16]}"#, true),
        (with_key(r#""dtyp\u0065":"F32""#), r#""dtyp\"#, true),
    ];
    for (text, key, reference_refuses) in cases {
        let bytes = file(&text, &counted_data());
        let at = text.rfind(key).expect("it is there") + 8;
        assert_eq!(verdict(&bytes), Err(ImportError::RepeatedKey { at }), "{text}");
        assert_eq!(::safetensors::SafeTensors::deserialize(&bytes).is_err(), reference_refuses, "{text}");
    }
    // Of a tensor the error says which.
    for (again, begin) in [("0.weight", 0), (r"0.weigh\u0074", 0), ("0.weight", 16)] {
        let text = header(&[sound_entries(), vec![entry(again, &[2, 2], begin, begin + 16)]].concat());
        assert_eq!(verdict(&file(&text, &counted_data())), Err(ImportError::RepeatedTensor { tensor: 0 }), "{text}");
    }
    let extra = [entry("4.bias", &[0], 36, 36), entry("4.bias", &[0], 36, 36)];
    let text = header(&[&sound_entries()[..], &extra].concat());
    let at = text.find("\"4.bias").expect("it is there") + 8;
    assert_eq!(verdict(&file(&text, &counted_data())), Err(ImportError::ExtraTensor { at }));
    // Keys that only begin alike, and keys of different objects, are others.
    for pairs in [r#""a":"a","aa":"a","A":"a","":"a""#, r#""dtype":"","0.weight":"","__metadata__":"""#] {
        let text = with_metadata(&format!(r#""__metadata__":{{{pairs}}}"#));
        assert_eq!(verdict(&file(&text, &counted_data())), Ok(parameters(&counted())), "{text}");
    }
}

#[test]
fn every_other_mistake_has_its_own_error() {
    let data = counted_data();
    // The sound file with one entry changed: which, by what.
    let changed = |index: usize, entry: String| {
        let mut entries = sound_entries();
        entries[index] = entry;
        verdict(&file(&header(&entries), &data))
    };
    let at = |text: &str, part: &str| text.find(part).expect("it is there") + 8;

    let without = header(&sound_entries()[..3]);
    assert_eq!(verdict(&file(&without, &data)), Err(ImportError::MissingTensor { tensor: 3 }));
    assert_eq!(changed(1, entry("0.Bias", &[2], 16, 24)), Err(ImportError::MissingTensor { tensor: 1 }));
    let twice = header(&[sound_entries(), vec![entry("2.weight", &[1, 2], 24, 32)]].concat());
    assert_eq!(verdict(&file(&twice, &data)), Err(ImportError::RepeatedTensor { tensor: 2 }));
    let extra = header(&[sound_entries(), vec![entry("4.bias", &[1], 36, 40)]].concat());
    let expected = Err(ImportError::ExtraTensor { at: at(&extra, "\"4.bias") });
    assert_eq!(verdict(&file(&extra, &[&data[..], &[0; 4]].concat())), expected);
    // Also one without bytes.
    let extra = header(&[vec![entry("4.bias", &[0], 0, 0)], sound_entries()].concat());
    assert_eq!(verdict(&file(&extra, &data)), Err(ImportError::ExtraTensor { at: 9 }));

    for kind in ["F64", "I32", "F8_E4M3", "f32", "F", "F32 ", ""] {
        let entry = entry("0.bias", &[2], 16, 24).replace("F32", kind);
        assert_eq!(changed(1, entry), Err(ImportError::WrongType { tensor: 1 }), "{kind}");
    }
    let wrong_shape = |tensor, expected: &[usize], found: &[usize]| {
        let (expected, found) = (Dimensions::of(expected), Dimensions::of(found));
        Err(ImportError::WrongShape { tensor, expected, found })
    };
    for shape in [&[4][..], &[2, 2, 2], &[2, 1, 2], &[2, 2, 1, 1, 1], &[1, 4], &[], &[2, 0], &[0, 2]] {
        assert_eq!(changed(0, entry("0.weight", shape, 0, 16)), wrong_shape(0, &[2, 2], shape));
    }
    // Not transposed.
    assert_eq!(changed(2, entry("2.weight", &[2, 1], 24, 32)), wrong_shape(2, &[1, 2], &[2, 1]));
    assert_eq!(changed(3, entry("2.bias", &[1, 1], 32, 36)), wrong_shape(3, &[1], &[1, 1]));
    let huge = entry("2.bias", &[1], 32, 36).replace("[1]", "[18446744073709551616]");
    assert_eq!(changed(3, huge), wrong_shape(3, &[1], &[u32::MAX as usize]));
    let error = changed(2, entry("2.weight", &[2, 1, 1, 1, 1], 24, 32)).expect_err("not its shape");
    assert_eq!(error.to_string(), "tensor 2 should have the shape [1, 2], and has [2, 1, 1, 1, …]");

    for (begin, end) in [(32, 40), (36, 32), (36, 40), (1 << 40, (1 << 40) + 4), (usize::MAX, 3)] {
        assert_eq!(
            changed(3, entry("2.bias", &[1], begin, end)),
            Err(ImportError::OutOfRange { tensor: 3 }),
            "{begin} {end}"
        );
    }
    for (begin, end) in [(32, 32), (28, 36), (33, 36)] {
        assert_eq!(
            changed(3, entry("2.bias", &[1], begin, end)),
            Err(ImportError::WrongLength { tensor: 3 }),
            "{begin} {end}"
        );
    }
    let half = entry("2.bias", &[1], 32, 36).replace("F32", "BF16");
    assert_eq!(changed(3, half), Err(ImportError::WrongLength { tensor: 3 }));

    for begin in [0, 13, 16, 20, 22, 31] {
        let mut entries = sound_entries();
        entries[3] = entry("2.bias", &[1], begin, begin + 4);
        let text = header(&entries);
        let expected = Err(ImportError::OverlappingTensor { at: at(&text, "\"2.bias") });
        assert_eq!(verdict(&file(&text, &data)), expected, "{begin}");
    }
    let mut entries = sound_entries();
    entries[3] = entry("2.bias", &[1], 35, 39);
    let gap = [&data[..32], &[0; 3], &data[32..]].concat();
    assert_eq!(verdict(&file(&header(&entries), &gap)), Err(ImportError::UnusedBytes { bytes: 3 }));

    for (tensor, at) in [(0, 12), (1, 16), (3, 32)] {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut data = data.clone();
            data[at..at + 4].copy_from_slice(&bad.to_le_bytes());
            let bytes = file(&header(&sound_entries()), &data);
            assert_eq!(verdict(&bytes), Err(ImportError::NonFiniteWeight { tensor }), "{bad}");
        }
    }
    for (kind, bad) in [("F16", 0x7C00_u16), ("F16", 0xFE01), ("BF16", 0xFF80), ("BF16", 0x7FC0)] {
        let mut entries = sound_entries();
        entries[3] = entry("2.bias", &[1], 32, 34).replace("F32", kind);
        let bytes = file(&header(&entries), &[&data[..32], &bad.to_le_bytes()].concat());
        assert_eq!(verdict(&bytes), Err(ImportError::NonFiniteWeight { tensor: 3 }), "{kind} {bad:x}");
    }
}

#[test]
fn wrong_names_are_refused_in_both_directions_and_no_byte_is_written() {
    let sound = file(&header(&sound_entries()), &counted_data());
    for (names, import, export) in [
        (
            &["a", "b", "c"][..],
            ImportError::WrongNumberOfNames { needed: 4 },
            ExportError::WrongNumberOfNames { needed: 4 },
        ),
        (&["a"; 5], ImportError::WrongNumberOfNames { needed: 4 }, ExportError::WrongNumberOfNames { needed: 4 }),
        (&["a", "b", "a", "c"], ImportError::RepeatedName { tensor: 2 }, ExportError::RepeatedName { tensor: 2 }),
        (
            &["a", "__metadata__", "b", "c"],
            ImportError::MissingTensor { tensor: 0 },
            ExportError::ReservedName { tensor: 1 },
        ),
    ] {
        let names = Names::PyTorch(names);
        let (mut network, mut buffer) = (counted(), [0xAA; 512]);
        assert_eq!(safetensors::load(&mut network, &names, &sound), Err(import));
        assert_eq!(network.0.weights, counted().0.weights);
        assert_eq!(safetensors::save(&network, &names, &mut buffer), Err(export));
        assert!(buffer.iter().all(|byte| *byte == 0xAA));
    }
}

#[test]
fn a_buffer_too_small_or_a_diverged_network_is_refused_and_no_byte_is_written() {
    let needed = safetensors::file_bytes::<Small>(&Names::SEQUENTIAL);
    let mut buffer = vec![0xAA; needed];
    let short = &mut buffer[1..];
    assert_eq!(safetensors::save(&counted(), &Names::SEQUENTIAL, short), Err(ExportError::BufferTooSmall { needed }));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut network = counted();
        network.1.bias = [bad];
        assert_eq!(safetensors::save(&network, &Names::SEQUENTIAL, &mut buffer), Err(ExportError::NonFiniteWeights));
    }
    assert!(buffer.iter().all(|byte| *byte == 0xAA));
    assert_eq!(safetensors::save(&counted(), &Names::SEQUENTIAL, &mut buffer), Ok(needed));
}

#[derive(Debug, PartialEq)]
enum SinkError {
    Refused(ExportError),
    Broken(usize),
}

impl From<ExportError> for SinkError {
    fn from(error: ExportError) -> Self {
        Self::Refused(error)
    }
}

#[test]
fn a_sink_gets_whole_pieces_and_one_that_fails_is_not_called_again() {
    let mut whole = [0; 512];
    let length = safetensors::save(&counted(), &Names::SEQUENTIAL, &mut whole).expect("room");
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut sink = |piece: &[u8]| -> Result<(), SinkError> {
        pieces.push(piece.to_vec());
        Ok(())
    };
    assert_eq!(safetensors::write(&counted(), &Names::SEQUENTIAL, &mut sink), Ok(length));
    assert_eq!(pieces.concat(), whole[..length]);
    let (last, whole_pieces) = pieces.split_last().expect("pieces");
    assert!(!last.is_empty() && whole_pieces.iter().all(|piece| piece.len() == CHUNK));
    for failing in 0..pieces.len() {
        let mut calls = 0;
        let mut sink = |_: &[u8]| {
            calls += 1;
            if calls > failing { Err(SinkError::Broken(failing)) } else { Ok(()) }
        };
        let written = safetensors::write(&counted(), &Names::SEQUENTIAL, &mut sink);
        assert_eq!((written, calls), (Err(SinkError::Broken(failing)), failing + 1));
    }
    let mut diverged = counted();
    diverged.0.bias[1] = f32::NAN;
    let mut untouched = |_: &[u8]| unreachable!("refused before");
    let written: Result<usize, SinkError> = safetensors::write(&diverged, &Names::SEQUENTIAL, &mut untouched);
    assert_eq!(written, Err(SinkError::Refused(ExportError::NonFiniteWeights)));
}

/// A layer of one parameter that may say it has other tensors.
struct Liar<const LENGTH: usize, const TENSORS: usize>([f32; 1]);

impl<const LENGTH: usize, const TENSORS: usize> Zero for Liar<LENGTH, TENSORS> {
    const ZERO: Self = Self([0.0]);
}

impl<const LENGTH: usize, const TENSORS: usize> Tensors<f32> for Liar<LENGTH, TENSORS> {
    const COUNT: usize = 1;

    fn tensor(&self, index: usize) -> &[f32] {
        if index == 0 { &self.0 } else { &[] }
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        if index == 0 { &mut self.0 } else { &mut [] }
    }
}

impl<const LENGTH: usize, const TENSORS: usize> Parameters for Liar<LENGTH, TENSORS> {
    const KIND: &'static str = "Liar";
    const TENSORS: &'static [Tensor] = &[Tensor::bias("a", 1, LENGTH); TENSORS];
    type Slots<T: Slot> = ();
}

impl<const LENGTH: usize, const TENSORS: usize> Entry for Liar<LENGTH, TENSORS> {
    type In = Features<1>;
}

#[rustfmt::skip] // a line for each signature; nobody calls them
impl<const LENGTH: usize, const TENSORS: usize> Layer<Features<1>> for Liar<LENGTH, TENSORS> {
    type Out = Features<1>;
    type Activation = Identity;
    fn forward<P: Pass, X: Inputs + ?Sized>(&self, _: P, _: &X, _: &mut [f32], _: &mut [f32]) -> Result<(), NonFinite> { Ok(()) }
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(&mut self, _: P, _: &X, _: &[f32], _: InputGradient<'_>, _: &mut [f32], _: &mut (), _: &O::Step) {}
}

#[test]
fn a_layer_with_other_tensors_than_it_says_is_refused() {
    fn verdicts<const LENGTH: usize, const TENSORS: usize>() -> (Result<(), ImportError>, Result<usize, ExportError>) {
        let entries: Vec<String> = (0..TENSORS)
            .map(|index| entry(&format!("{index}.a"), &[LENGTH], 4 * LENGTH * index, 4 * LENGTH * (index + 1)))
            .collect();
        let bytes = file(&header(&entries), &vec![0; 4 * LENGTH * TENSORS]);
        let mut network = Liar::<LENGTH, TENSORS>([7.0]);
        let loaded = safetensors::load(&mut network, &Names::SEQUENTIAL, &bytes);
        assert_eq!(network.0, if loaded.is_ok() { [0.0] } else { [7.0] });
        (loaded, safetensors::save(&network, &Names::SEQUENTIAL, &mut [0; 512]).map(|_| 0))
    }
    assert_eq!(verdicts::<1, 1>(), (Ok(()), Ok(0)));
    let wrong = (Err(ImportError::WrongTensors), Err(ExportError::WrongTensors));
    assert_eq!([verdicts::<0, 1>(), verdicts::<2, 1>(), verdicts::<1, 2>(), verdicts::<1, 0>()], [wrong; 4]);
}
