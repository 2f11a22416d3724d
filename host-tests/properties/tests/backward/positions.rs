//! A dense layer on samples of several positions.
//!
//! Oracle: the same layer on the positions as samples of their own; bit for bit, forward and in every form of the backward pass.

use crate::common::{Random, assert_same_bits, parameters, random_network};
use baregrad::layer::{InputGradient, Stacked, Tensors, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::{Adam, Dense, Features, Identity, Layer, Parameters, Relu, Sequence, Sgd, Tanh, Zero};

const SAMPLES: usize = 3;

/// What a backward pass leaves: the gradient of the input, parameters, slots.
type Left<const IN: usize, const OUT: usize, A, S> =
    (Vec<f32>, Dense<IN, OUT, A>, <Dense<IN, OUT, A> as Parameters>::Slots<S>);

/// How the gradient of the input is asked for.
#[derive(Clone, Copy, Debug)]
enum Form {
    Unwanted,
    Write,
    Add,
    Inner,
}

/// A backward pass over `samples` samples of shape `Shape`, in scratch of just the size that the layer asks for, full of NaN.
fn backward<Shape, O, A, const IN: usize, const OUT: usize, const B: usize>(
    form: Form,
    samples: usize,
    layer: &Dense<IN, OUT, A>,
    x: &[f32],
    delta: &[f32],
    mut optimizer: O,
) -> Left<IN, OUT, A, O::Slot>
where
    Shape: baregrad::shape::Shape,
    O: Optimizer,
    A: baregrad::activation::Activation,
    Dense<IN, OUT, A>: Layer<Shape, Activation = A> + Parameters,
{
    let (mut layer, mut slots) = (*layer, <Dense<IN, OUT, A> as Parameters>::Slots::<O::Slot>::ZERO);
    let (pass, step) = (Whole::<B>::new(samples), optimizer.begin_step());
    let mut scratch = vec![f32::NAN; samples * <Dense<IN, OUT, A> as Layer<Shape>>::SCRATCH];
    let mut gradient = match form {
        Form::Unwanted => Vec::new(),
        Form::Write => vec![f32::NAN; x.len()],
        Form::Add => vec![0.25; x.len()],
        Form::Inner => x.to_vec(),
    };
    let dx = match form {
        Form::Unwanted => InputGradient::Unwanted,
        Form::Write => InputGradient::Write(&mut gradient),
        Form::Add => InputGradient::Add(&mut gradient),
        Form::Inner => {
            layer.backward_inner::<_, O, Tanh>(pass, &mut gradient, delta, &mut scratch, &mut slots, &step);
            return (gradient, layer, slots);
        }
    };
    let inputs = Stacked::<Shape>::new(x);
    layer.backward::<_, O, _>(pass, &inputs, delta, dx, &mut scratch, &mut slots, &step);
    (gradient, layer, slots)
}

/// Everything as numbers.
fn numbers<O: Optimizer, A, const IN: usize, const OUT: usize>(
    (gradient, layer, slots): Left<IN, OUT, A, O::Slot>,
    state: impl Fn(&O::Slot) -> Vec<f32>,
) -> Vec<f32>
where
    Dense<IN, OUT, A>: Parameters + baregrad::Network,
{
    let mut all = gradient;
    all.extend(parameters(&layer));
    slots.for_each_tensor(&mut |slots| all.extend(slots.iter().flat_map(&state)));
    all
}

fn assert_positions_are_samples<A, const IN: usize, const OUT: usize, const LENGTH: usize, const ROWS: usize>()
where
    A: baregrad::activation::Activation,
{
    let what = format!("{IN}→{OUT} on {LENGTH} positions");
    let mut random = Random::new((IN * 100 + OUT) as u64);
    let layer: Dense<IN, OUT, A> = random_network(&mut random);
    for samples in 1..=SAMPLES {
        let rows = samples * LENGTH;
        let x: Vec<f32> = (0..rows * IN).map(|_| random.input()).collect();
        let delta: Vec<f32> = (0..rows * OUT).map(|_| random.input()).collect();
        let (mut left, mut right) = (vec![f32::NAN; rows * OUT], vec![f32::NAN; rows * OUT]);
        let positions = Stacked::<Sequence<LENGTH, IN>>::new(&x);
        Layer::<Sequence<LENGTH, IN>>::forward(&layer, Whole::<SAMPLES>::new(samples), &positions, &mut left, &mut [])
            .expect("finite");
        let singles = Stacked::<Features<IN>>::new(&x);
        Layer::<Features<IN>>::forward(&layer, Whole::<ROWS>::new(rows), &singles, &mut right, &mut [])
            .expect("finite");
        assert_same_bits(&left, &right, &format!("forward of {what}"));

        for form in [Form::Unwanted, Form::Write, Form::Add, Form::Inner] {
            let what = format!("backward of {what}, {form:?}");
            let left = backward::<Sequence<LENGTH, IN>, Sgd, A, IN, OUT, SAMPLES>;
            let right = backward::<Features<IN>, Sgd, A, IN, OUT, ROWS>;
            let left = left(form, samples, &layer, &x, &delta, Sgd::new(0.1));
            let right = right(form, rows, &layer, &x, &delta, Sgd::new(0.1));
            let state = |(): &()| Vec::new();
            assert_same_bits(
                &numbers::<Sgd, A, IN, OUT>(left, state),
                &numbers::<Sgd, A, IN, OUT>(right, state),
                &what,
            );
            let left = backward::<Sequence<LENGTH, IN>, Adam, A, IN, OUT, SAMPLES>;
            let right = backward::<Features<IN>, Adam, A, IN, OUT, ROWS>;
            let left = left(form, samples, &layer, &x, &delta, Adam::new(0.1));
            let right = right(form, rows, &layer, &x, &delta, Adam::new(0.1));
            let state = |slot: &baregrad::optimizer::Moments| vec![slot.first_moment, slot.second_moment];
            assert_same_bits(
                &numbers::<Adam, A, IN, OUT>(left, state),
                &numbers::<Adam, A, IN, OUT>(right, state),
                &what,
            );
        }
    }
}

#[test]
fn positions_are_rows_as_samples_are() {
    assert_positions_are_samples::<Relu, 3, 5, 4, 12>();
    assert_positions_are_samples::<Tanh, 8, 17, 7, 21>();
    assert_positions_are_samples::<Identity, 9, 1, 5, 15>();
    assert_positions_are_samples::<Relu, 1, 4, 2, 6>();
    assert_positions_are_samples::<Identity, 2, 2, 1, 3>();
}

/// The gradient that is written, added and left in place is one and the same.
#[test]
fn every_form_gives_the_same_input_gradient_and_update() {
    let mut random = Random::new(5);
    let layer: Dense<6, 9> = random_network(&mut random);
    let x: Vec<f32> = (0..18).map(|_| random.input()).collect();
    let delta: Vec<f32> = (0..27).map(|_| random.input()).collect();
    let form = |form| backward::<Features<6>, Sgd, Identity, 6, 9, 3>(form, 3, &layer, &x, &delta, Sgd::new(0.1));
    let (written, trained, _) = form(Form::Write);
    let (added, others, _) = form(Form::Add);
    let (left, in_place, _) = form(Form::Inner);
    let (nothing, last, _) = form(Form::Unwanted);
    assert!(nothing.is_empty());
    let (mut plain, weights) = (Vec::new(), &layer.weights.rows);
    for delta in delta.as_chunks::<9>().0 {
        plain.extend(weights.iter().map(|row| {
            let mut sum = delta[0] * row[0];
            for (delta, weight) in delta.iter().zip(row).skip(1) {
                sum += delta * weight;
            }
            sum
        }));
    }
    assert_same_bits(&written, &plain, "written");
    assert_same_bits(&added, &plain.iter().map(|gradient| 0.25 + gradient).collect::<Vec<_>>(), "added");
    let through = |(gradient, x): (&f32, &f32)| gradient * (1.0 - x * x);
    assert_same_bits(&left, &plain.iter().zip(&x).map(through).collect::<Vec<_>>(), "in place, through tanh");
    for other in [others, in_place, last] {
        assert_same_bits(&parameters(&other), &parameters(&trained), "updated");
    }
}
