//! Properties that hold for any bytes at all: nothing panics, what is refused changes nothing, what is accepted comes back.
//!
//! Each function takes arbitrary bytes and makes a case of them. `tests/hostile.rs` calls them with `proptest`, `fuzz` with a fuzzer. The
//! first byte chooses whether the rest is the input itself, or edits of a valid one: bytes by chance hardly get past a checksum.

use std::collections::BTreeSet;

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, Store};
use baregrad::checkpoint::{
    LoadError, ReadError, load_weights, read_training, save_weights, stated_bytes, weights_bytes,
};
use baregrad::graph::{Graph, GraphError, Node};
use baregrad::loss::Loss;
use baregrad::safetensors::{self, ImportError, Names};
use baregrad::shape::{Features, SampleOf, Values};
use baregrad::{
    Conv2d, Dataset, Dense, Flatten, HeUniform, Image, MeanSquaredError, Model, Network, Relu, Valid, Zero,
};

use crate::course::{Convolutional, Course, Small};
use crate::flash::{SimFlash, drawn_place};
use crate::tensor_file::{entry, file, header};

/// Bytes as a checkpoint of a small network or of a convolutional one.
pub fn checkpoint(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    if how / 5 % 2 == 0 { checkpoint_of::<Small>(how % 5, rest) } else { checkpoint_of::<Convolutional>(how % 5, rest) }
}

/// The same for one network.
fn checkpoint_of<N: Network<Out = Features<1>>>(how: u8, rest: &[u8])
where
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; 1]>,
{
    let trained = trained::<N>;
    let bytes = match how {
        0 => rest.to_vec(),
        1 => edited(weights_of(&trained(2)), rest),
        2 => edited(trained(2).bytes(), rest),
        3 => with_checksum(edited(weights_of(&trained(2)), rest)),
        _ => with_checksum(edited(trained(2).bytes(), rest)),
    };
    let _ = stated_bytes(&bytes);

    let mut course = trained(1);
    let before = course.bytes();
    let verdict = course.load(&bytes);
    match verdict {
        Ok(()) => assert_eq!(course.bytes(), bytes, "what is accepted comes back"),
        Err(_) => assert_eq!(course.bytes(), before, "what is refused changes nothing"),
    }
    // The same in pieces.
    let mut streamed = trained(1);
    let Course { trainer, optimizer, extra } = &mut streamed;
    let mut source = |offset: usize, piece: &mut [u8]| {
        piece.copy_from_slice(&bytes[offset..offset + piece.len()]);
        Ok::<(), LoadError>(())
    };
    let read = read_training(&mut trainer.network, &mut trainer.slots, optimizer, extra, bytes.len(), &mut source);
    assert_eq!(read, verdict.map_err(ReadError::Load));
    assert_eq!(streamed.bytes(), course.bytes());

    let mut course = trained(1);
    match load_weights(&mut course.trainer.network, &bytes) {
        Ok(()) => assert_eq!(weights_of(&course), bytes, "what is accepted comes back"),
        Err(_) => assert_eq!(course.bytes(), before, "what is refused changes nothing"),
    }
    use_it(streamed);
    use_it(course);
}

/// Bytes in flash.
pub fn flash(data: &[u8]) {
    const PAGE: usize = 512;
    const PLACES: usize = 3;
    type Flash = SimFlash<4, PAGE>;

    let Some((how, rest)) = data.split_first() else { return };
    let mut bytes = match how % 4 {
        0 => rest.to_vec(),
        _ => {
            let first = u32::from(*how).wrapping_mul(0x0101_0101);
            let places = (0..).zip([3, 1, 2]).map(|(place, steps)| {
                drawn_place(
                    first.wrapping_add(steps - place % 2),
                    &trained::<Small>(steps).bytes(),
                    PAGE,
                    place,
                    PLACES as u32,
                )
            });
            edited(places.take(PLACES).collect::<Vec<_>>().concat(), rest)
        }
    };
    bytes.resize(PLACES * PAGE, 0xFF);
    for place in bytes.chunks_exact_mut(PAGE) {
        if how % 4 >= 2 {
            let checksum = crc32(&place[..24]);
            place[24..28].copy_from_slice(&checksum.to_le_bytes());
        }
        if how % 4 == 3 {
            let length = Course::<Small>::BYTES;
            let checksum = crc32(&place[64..64 + length - 4]);
            place[64 + length - 4..64 + length].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    let comparable = sequences_are_near((0..bytes.len()).step_by(64).map(|at| &bytes[at..]));

    let mut flash = Flash::with_bytes(bytes.clone());
    let mut store = Store::new(&mut flash, 0..(PLACES * PAGE) as u32, Course::<Small>::BYTES).expect("three places");
    let mut course = trained::<Small>(1);
    let before = course.bytes();
    match course.load_from(&mut store) {
        Ok(_) => {
            let mut pieces = (0..bytes.len()).step_by(64);
            assert!(pieces.any(|at| bytes[at..].starts_with(&course.bytes())), "it is one of those there");
        }
        Err(error) => {
            assert_eq!(error == FlashLoadError::Empty, bytes.iter().all(|byte| *byte == 0xFF), "{error:?}");
            assert!(!matches!(error, FlashLoadError::Flash(_) | FlashLoadError::Unsteady), "{error:?}");
            assert_eq!(course.bytes(), before, "what is refused changes nothing");
        }
    }
    use_it(course);

    // Whatever was there, saves are found again.
    for steps in 4..8 {
        let saved = trained::<Small>(steps);
        match saved.save_to(&mut store) {
            Ok(_) => {}
            // A head by chance names a layout that this flash has no room for, or lies across all places.
            Err(FlashSaveError::OtherLayout) => {
                store.erase().expect("a sound flash");
                saved.save_to(&mut store).expect("an empty flash");
            }
            Err(error) => panic!("{error:?}"),
        }
        let mut course = trained::<Small>(1);
        let found = course.load_from(&mut store);
        if comparable {
            assert!(found.is_ok() && course.bytes() == saved.bytes(), "{found:?}");
        }
    }
}

/// Whether the sequence numbers of places that could count lie close together, as all do that were saved.
fn sequences_are_near<'a>(places: impl Iterator<Item = &'a [u8]>) -> bool {
    let heads = places.filter(|place| place.starts_with(b"BGF"));
    let numbers: Vec<u32> = heads.map(|head| u32::from_le_bytes([head[4], head[5], head[6], head[7]])).collect();
    let near = |a: u32, b: u32| a.wrapping_sub(b).min(b.wrapping_sub(a)) < 1 << 29;
    numbers.iter().all(|a| numbers.iter().all(|b| near(*a, *b)))
}

/// Bytes as a `.safetensors` file of a small network or of a convolutional one, by names of two kinds, in two layouts.
pub fn safetensors(data: &[u8]) {
    type Pair = (Dense<2, 2, Relu>, Dense<2, 1>);
    type Convolutional = Model<Image<3, 3, 2>, (Conv2d<2, 2, 2, 2, Valid, Relu>, Flatten<8>, Dense<8, 1>)>;
    const NAMES: [&str; 4] = ["0.weight", "0.bias", "2.weight", "\u{1F980}\n"];
    const MORE_NAMES: [&str; 4] = ["0.weight", "0.bias", "3.weight", "\u{1F980}\n"];

    let Some((how, rest)) = data.split_first() else { return };
    match how / 8 % 2 * 2 + how % 2 {
        0 => file_of_weights::<Pair>(*how, rest, Names::SEQUENTIAL, &NAMES, [&[2, 2], &[2], &[1, 2], &[1]]),
        1 => file_of_weights::<Pair>(*how, rest, Names::PyTorch(&NAMES), &NAMES, [&[2, 2], &[2], &[1, 2], &[1]]),
        2 => file_of_weights::<Convolutional>(
            *how,
            rest,
            Names::SEQUENTIAL,
            &MORE_NAMES,
            [&[2, 2, 2, 2], &[2], &[1, 8], &[1]],
        ),
        _ => file_of_weights::<Convolutional>(
            *how,
            rest,
            Names::Keras(&MORE_NAMES),
            &MORE_NAMES,
            [&[2, 2, 2, 2], &[2], &[8, 1], &[1]],
        ),
    }
}

/// The same for one network, whose tensors have these names and shapes.
fn file_of_weights<N: Network>(how: u8, rest: &[u8], names: Names<'_>, spelt: &[&str; 4], shapes: [&[usize]; 4]) {
    let numbers = |network: &N| {
        let mut numbers = Vec::new();
        network.for_each_tensor(&mut |piece| numbers.extend(piece.iter().map(|number| number.to_bits())));
        numbers
    };
    let kinds = [("F32", 4), ("F16", 2), ("BF16", 2)];
    let (mut entries, mut numbers_of_file) = (Vec::new(), Vec::new());
    for (index, shape) in shapes.into_iter().enumerate() {
        let (kind, bytes) = kinds[(usize::from(how) / 16 + index) % 3];
        let begin = numbers_of_file.len();
        numbers_of_file.resize(begin + bytes * shape.iter().product::<usize>(), 0x3C);
        let name = match (how % 2, index) {
            (1, 3) => r"\ud83E\udd80\n".to_owned(),
            (_, 3) => spelt[2].replace("weight", "bias"),
            _ => spelt[index].to_owned(),
        };
        entries.push(entry(&name, shape, begin, numbers_of_file.len()).replace("F32", kind));
    }
    let mut keys_differ = true;
    let bytes = match how / 2 % 4 {
        0 => rest.to_vec(),
        1 => edited(file(&header(&entries), &numbers_of_file), rest),
        // With a length that is right again.
        2 => {
            let text = edited(header(&entries).into_bytes(), rest);
            [&(text.len() as u64).to_le_bytes()[..], &text, &numbers_of_file].concat()
        }
        // With metadata whose keys may come twice.
        3 if rest.len().is_multiple_of(2) => {
            let keys: Vec<char> = rest.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
            let pairs: Vec<String> = keys.iter().map(|key| format!("\"{key}\":\"\"")).collect();
            entries.push(format!("\"__metadata__\":{{{}}}", pairs.join(",")));
            keys_differ = keys.iter().collect::<BTreeSet<_>>().len() == keys.len();
            file(&header(&entries), &numbers_of_file)
        }
        _ => file(&header(&entries), &edited(numbers_of_file, rest)),
    };

    let mut network = N::ZERO;
    network.initialize_with(HeUniform, || 0x9E37_79B9);
    let before = numbers(&network);
    let verdict = safetensors::load(&mut network, &names, &bytes);
    assert!(keys_differ || matches!(verdict, Err(ImportError::RepeatedKey { .. })), "{verdict:?}");
    match verdict {
        Ok(()) => {
            let mut buffer = vec![0; safetensors::file_bytes::<N>(&names)];
            assert_eq!(safetensors::save(&network, &names, &mut buffer), Ok(buffer.len()), "what loads is finite");
            let mut copy = N::ZERO;
            assert_eq!(safetensors::load(&mut copy, &names, &buffer), Ok(()));
            assert_eq!(numbers(&copy), numbers(&network), "what is accepted comes back");
        }
        Err(_) => assert_eq!(numbers(&network), before, "what is refused changes nothing"),
    }
}

/// Bytes as a program that builds and evaluates graphs.
pub fn graph(data: &[u8]) {
    const CAPACITY: usize = 24;
    let (graph, other) = (Graph::<CAPACITY>::NEW, Graph::<4>::NEW);
    // The other's handles are mixed with the graph's own.
    let foreign = other.leaf(1.0).expect("an empty graph");
    let mut nodes: Vec<(Node<'_>, bool)> = vec![(foreign, true)];
    // Handles that were there at the last sweep.
    let mut swept = 0;
    for step in data.chunks_exact(6) {
        let &[operation, first, second, low, high, kind] = step else { break };
        let ((a, a_foreign), (b, b_foreign)) =
            (nodes[usize::from(first) % nodes.len()], nodes[usize::from(second) % nodes.len()]);
        let b_position = usize::from(second) % nodes.len();
        let exponent = i16::from_le_bytes([low, high]);
        let count = graph.nodes();
        let (needed, strange, result) = match operation % 17 {
            0 | 1 => (1, false, graph.leaf(f32::from_bits(u32::from_le_bytes([first, second, low, high])))),
            2 => (1, false, graph.leaf(SPECIAL[usize::from(kind) % SPECIAL.len()])),
            3 => (1, a_foreign || b_foreign, graph.add(a, b)),
            4 => (1, a_foreign || b_foreign, graph.sub(a, b)),
            5 => (1, a_foreign || b_foreign, graph.mul(a, b)),
            6 => (1, a_foreign || b_foreign, graph.div(a, b)),
            7 => (1, a_foreign || b_foreign, graph.max(a, b)),
            8 => (3, a_foreign || b_foreign, graph.pow(a, b)),
            9 => (1, a_foreign, graph.neg(a)),
            10 => (1, a_foreign, graph.exp(a)),
            11 => (1, a_foreign, graph.ln(a)),
            12 => (1, a_foreign, graph.sqrt(a)),
            13 => (1, a_foreign, graph.tanh(a)),
            14 => (1, a_foreign, if kind % 2 == 0 { graph.sigmoid(a) } else { graph.relu(a) }),
            15 => (1, a_foreign, graph.powi(a, exponent)),
            _ => {
                let result = graph.backward(a);
                assert_eq!(result, if a_foreign { Err(GraphError::ForeignNode) } else { Ok(()) });
                if result.is_ok() {
                    swept = nodes.len();
                    assert_eq!(graph.gradient(a), Ok(1.0));
                }
                let gradient = graph.gradient(b);
                match (b_foreign, b_position < swept) {
                    (true, _) => assert_eq!(gradient, Err(GraphError::ForeignNode)),
                    (_, false) => assert_eq!(gradient, Err(GraphError::NoGradient)),
                    _ => assert!(gradient.is_ok()),
                }
                continue;
            }
        };
        match result {
            Ok(node) => {
                assert!(!strange && graph.nodes() == count + needed);
                assert!(graph.value(node).is_ok() && other.value(node) == Err(GraphError::ForeignNode));
                nodes.push((node, false));
            }
            Err(error) => {
                let full = GraphError::NodesExhausted { capacity: CAPACITY };
                let expected = if strange { GraphError::ForeignNode } else { full };
                assert!(error == expected && (strange || count + needed > CAPACITY), "{error:?}");
                assert_eq!(graph.nodes(), count, "what is refused adds nothing");
            }
        }
    }
}

const SPECIAL: [f32; 10] =
    [0.0, -0.0, 1.0, -1.0, f32::MIN_POSITIVE, f32::from_bits(1), f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];

/// A course after some steps; 1 is the one that others are loaded into.
fn trained<N: Network<Out = Features<1>>>(steps: u32) -> Course<N>
where
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; 1]>,
{
    let mut course = Course::new(u64::from(steps));
    course.train(steps);
    course
}

fn weights_of<N: Network>(course: &Course<N>) -> Vec<u8> {
    let mut bytes = vec![0; weights_bytes::<N>()];
    save_weights(&course.trainer.network, &mut bytes).expect("finite weights");
    bytes
}

/// Bytes after edits of four bytes each: what to do, where, with what.
fn edited(mut bytes: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(4) {
        let &[what, low, high, value] = edit else { break };
        let at = usize::from(u16::from_le_bytes([low, high])) % bytes.len().max(1);
        match (what % 8, bytes.get_mut(at)) {
            (0, _) => bytes.truncate(at),
            (1, _) => bytes.extend(std::iter::repeat_n(value, at % 70)),
            (2, _) => drop(bytes.splice(..at, [])),
            (3 | 4, Some(byte)) => *byte = value,
            (_, Some(byte)) => *byte ^= 1 << (value % 8),
            _ => {}
        }
    }
    bytes
}

/// The bytes with a right checksum at their end.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(start) = bytes.len().checked_sub(4) {
        let checksum = crc32(&bytes[..start]);
        bytes[start..].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes)
}

/// Weights and settings of anybody's making: prediction and training may give an error, or infinities, but go on.
fn use_it<N: Network<Out = Features<1>>>(mut course: Course<N>)
where
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; 1]>,
{
    let mut sample = SampleOf::<N::In>::ZERO;
    sample.values_mut().fill(0.5);
    for _ in 0..3 {
        let data = Dataset::from_arrays(std::array::from_ref(&sample), &[[1.0]]);
        let _ = course.trainer.step(&data, MeanSquaredError, &mut course.optimizer);
    }
    let _ = course.trainer.network.predict(&sample).argmax();
}
