//! Every activation and every elementwise layer of the table: single values, and trainings of all kinds, against its formula, bit for bit.

use crate::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_activation, each_elementwise};
use crate::common::{
    Data, FLOATS, Random, assert_same_bits, book_network, parameters, poll_to_the_end, set_parameters,
};
use baregrad::activation::Activation;
use baregrad::layer::{InputGradient, Stacked, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::{CrossEntropy, Dense, Features, Identity, Layer, Network, Parameters, Sgd, Trainer, Zero};
use host_tests::textbook as book;

/// Every 10,007th bit pattern, and numbers near the borders of some curve.
fn grid() -> impl Iterator<Item = f32> {
    let borders = (-8..=8).flat_map(|z| [(z as f32).next_down(), z as f32, (z as f32).next_up()]);
    (0..=u32::MAX).step_by(10_007).map(f32::from_bits).chain(borders).chain([-0.0, f32::INFINITY, f32::NEG_INFINITY])
}

/// Bits, but for the payload of a NaN.
fn assert_same(ours: f32, plain: f32, what: impl Fn() -> String) {
    assert!(ours.to_bits() == plain.to_bits() || ours.is_nan() && plain.is_nan(), "{}: {ours}, not {plain}", what());
}

/// Gradients that come back, among them those whose sign or product shows.
const GRADIENTS: [f32; 5] = [1.0, -0.3, 0.0, -0.0, 1e-38];

struct Values;

impl VisitActivations for Values {
    fn activation<A: Activation>(&mut self, curve: Curve) {
        for z in grid() {
            let a = A::value(z);
            assert_same(a, (curve.value)(z), || format!("{curve:?} of {z:e}"));
            for gradient in GRADIENTS {
                assert_same(A::backward(gradient, a), (curve.back)(gradient, z, a), || {
                    format!("{gradient:e} back through {curve:?} at {z:e}")
                });
            }
        }
    }
}

impl VisitElementwise for Values {
    fn elementwise<L>(&mut self, curve: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>,
    {
        let (mut layer, mut slots, step) = (L::ZERO, L::Slots::<()>::ZERO, Sgd::new(0.1).begin_step());
        let mut memory = vec![f32::NAN; L::KEPT + L::SCRATCH];
        for z in grid() {
            let (x, mut y, mut dx) = ([z; WIDTH], [f32::NAN; WIDTH], [f32::NAN; WIDTH]);
            let (pass, inputs) = (Whole::<1>::new(1), Stacked::<Features<WIDTH>>::new(&x));
            let forward = layer.forward(pass, &inputs, &mut y, &mut memory);
            let a = (curve.value)(z);
            assert_eq!(forward.is_ok(), z.is_finite() && a.is_finite(), "{curve:?} of {z:e} is seen");
            y.iter().for_each(|y| assert_same(*y, a, || format!("{curve:?} of {z:e}")));
            let to = InputGradient::Write(&mut dx);
            layer.backward::<_, Sgd, _>(pass, &inputs, &GRADIENTS, to, &mut memory, &mut slots, &step);
            for (dx, gradient) in dx.iter().zip(GRADIENTS) {
                assert_same(*dx, (curve.back)(gradient, z, a), || {
                    format!("{gradient:e} back through {curve:?} at {z:e}")
                });
            }
        }
    }
}

#[test]
fn every_curve_has_the_values_and_slopes_of_its_formula() {
    each_activation(&mut Values);
    each_elementwise(&mut Values);
}

struct Trainings;

impl Trainings {
    /// Steps at once, in slices, and with all but the last layer frozen; in workspaces of NaN; full and short batches.
    fn check<N>(curve: Curve)
    where
        N: Network<In = Features<4>, Out = Features<3>, Activation = Identity> + Parameters,
    {
        let mut random = Random::new(4);
        let [mut whole, mut sliced, mut frozen] = std::array::from_fn(|_| Trainer::<N, Sgd, 5, FLOATS>::NEW);
        let values: Vec<f32> = (0..N::PARAMETERS).map(|_| random.uniform(-2.0, 2.0)).collect();
        for trainer in [&mut whole, &mut sliced, &mut frozen] {
            set_parameters(&mut trainer.network, &values);
        }
        let mut plain = book_network(&whole.network);
        let mut plain_frozen = plain.clone();
        assert_eq!(plain.layers[0].activation.name, curve.name);
        let loss = book::loss("CrossEntropy");
        let mut rule = book::Optimizer::Sgd { learning_rate: 0.05 };
        for samples in [5, 3, 1, 5, 2, 5] {
            let data = Data::<4, _>::random::<Identity, CrossEntropy, 3>(&mut random, samples);
            let set = data.dataset();
            let what = format!("{curve:?}, {samples} samples");
            whole.workspace.memory = [[f32::NAN; FLOATS]; 5];
            frozen.workspace.memory = [[f32::NAN; FLOATS]; 5];
            let outputs = plain.forward(&data.book_inputs).concat();
            for (input, output) in data.inputs.iter().zip(&outputs[samples..]) {
                let mut memory = [f32::NAN; FLOATS];
                let predicted = whole.network.predict_in(input, &mut memory).expect("finite");
                assert_same_bits(predicted.as_slice(), output, &format!("{what}, predicted"));
            }
            let ours = whole.step(&set, CrossEntropy, &mut Sgd::new(0.05)).expect("sound");
            let theirs = book::step(&mut plain, &mut rule, &data.book_inputs, &data.book_targets, loss);
            assert_same_bits(&[ours], &[theirs], &format!("{what}, loss"));
            assert_same_bits(&parameters(&whole.network), &plain.parameters(), &what);
            poll_to_the_end(&mut sliced, &set, CrossEntropy, &mut Sgd::new(0.05)).expect("sound");
            assert_same_bits(&parameters(&sliced.network), &plain.parameters(), &format!("{what}, in slices"));
            frozen.step_frozen(N::LAYERS - 1, &set, CrossEntropy, &mut Sgd::new(0.05)).expect("sound");
            let below = plain_frozen.layers[0].clone();
            book::step(&mut plain_frozen, &mut rule, &data.book_inputs, &data.book_targets, loss);
            plain_frozen.layers[0] = below;
            assert_same_bits(&parameters(&frozen.network), &plain_frozen.parameters(), &format!("{what}, frozen"));
        }
        let first: Vec<f32> = plain.layers[0].parameters().copied().collect();
        assert_ne!(first, values[..first.len()], "{curve:?}: nothing trained");
    }
}

impl VisitActivations for Trainings {
    fn activation<A: Activation>(&mut self, curve: Curve) {
        Self::check::<(Dense<4, 19, A>, Dense<19, 3>)>(curve);
    }
}

impl VisitElementwise for Trainings {
    fn elementwise<L>(&mut self, curve: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>,
    {
        Self::check::<(Dense<4, WIDTH>, L, Dense<WIDTH, 3>)>(curve);
    }
}

#[test]
fn every_curve_trains_as_its_formula_in_steps_of_all_kinds() {
    each_activation(&mut Trainings);
    each_elementwise(&mut Trainings);
}
