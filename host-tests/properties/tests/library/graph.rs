//! The scalar graph: known derivatives, `f64` central differences, the bits of a dense layer, and losses made with it.

use crate::common::{FLOATS, Random, assert_same_bits, gradient, parameters, random_network};
use baregrad::activation::Activation;
use baregrad::graph::{Graph, GraphError, Node};
use baregrad::loss::{Loss, TargetError};
use baregrad::train::{Gradients, Workspace, accumulate};
use baregrad::{
    Dataset, Dense, Features, Identity, Network, Sgd, Sigmoid, StepError, SumOfSquares, Tanh, Trainer, Zero, floats,
};

/// Half an ulp of 1: the unit of tolerances.
const ROUNDING: f64 = 1.0 / 16_777_216.0;

#[test]
fn two_x_squared_has_the_slope_4_at_1() -> Result<(), GraphError> {
    let graph = Graph::<4>::NEW;
    let x = graph.leaf(1.0)?;
    let y = graph.mul(graph.leaf(2.0)?, graph.mul(x, x)?)?;
    graph.backward(y)?;
    assert_eq!((graph.value(y)?, graph.gradient(x)?, graph.gradient(y)?), (2.0, 4.0, 1.0));
    Ok(())
}

#[test]
fn one_sweep_gives_all_slopes_of_a_line() -> Result<(), GraphError> {
    let graph = Graph::<8>::NEW;
    let (m, x, b) = (graph.leaf(3.0)?, graph.leaf(-2.0)?, graph.leaf(0.5)?);
    let y = graph.add(graph.mul(m, x)?, b)?;
    graph.backward(y)?;
    assert_eq!(graph.value(y)?, -5.5);
    assert_eq!((graph.gradient(m)?, graph.gradient(x)?, graph.gradient(b)?), (-2.0, 3.0, 1.0));
    Ok(())
}

#[test]
fn neurons_built_node_by_node_have_the_bits_of_a_dense_layer() -> Result<(), GraphError> {
    type Layer = Dense<5, 3, Sigmoid>;
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut layer = random_network::<Layer>(&mut random);
        let inputs: [f32; 5] = std::array::from_fn(|_| random.input());
        let targets: [f32; 3] = std::array::from_fn(|_| random.uniform(-1.0, 1.0));

        let graph = Graph::<128>::NEW;
        let (mut outputs, mut leaves) = (Vec::new(), Vec::new());
        for row in layer.weights.rows {
            leaves.push(row.map(|weight| graph.leaf(weight).expect("room")));
        }
        leaves.push(layer.bias.map(|bias| graph.leaf(bias).expect("room")));
        let mut loss = graph.leaf(0.0)?;
        for o in 0..3 {
            let mut z = leaves[5][o];
            for (input, row) in inputs.iter().zip(&leaves) {
                z = graph.add(z, graph.mul(graph.leaf(*input)?, row[o])?)?;
            }
            let a = graph.sigmoid(z)?;
            outputs.push(graph.value(a)?);
            let error = graph.sub(a, graph.leaf(targets[o])?)?;
            loss = graph.add(loss, graph.mul(error, error)?)?;
        }
        graph.backward(loss)?;
        let slopes: Vec<f32> = leaves.iter().flatten().map(|&leaf| graph.gradient(leaf).expect("swept")).collect();

        assert_same_bits(&outputs, layer.predict(&inputs).as_slice(), &format!("outputs, seed {seed}"));
        let (mut gradients, mut workspace) = (Gradients::<Layer>::ZERO, Workspace::<1, { floats::<Layer>() }>::ZERO);
        let data = Dataset::from_arrays(std::array::from_ref(&inputs), std::array::from_ref(&targets));
        let value = accumulate(&mut layer, &mut gradients, &mut workspace, &data, &SumOfSquares, 1).expect("sound");
        assert_same_bits(&[graph.value(loss)?], &[value], &format!("loss, seed {seed}"));
        assert_same_bits(&slopes, &gradient(&gradients), &format!("gradients, seed {seed}"));
    }
    Ok(())
}

type InGraph = for<'g> fn(&'g Graph<64>, Node<'g>, Node<'g>) -> Result<Node<'g>, GraphError>;
type InF64 = fn(f64, f64) -> f64;
type Allowed = fn(f64, f64) -> bool;

/// Name, number of operands, the same function in a graph and in `f64`, and where it is smooth and tame.
const PRIMITIVES: [(&str, usize, InGraph, InF64, Allowed); 17] = [
    ("add", 2, |g, a, b| g.add(a, b), |a, b| a + b, |_, _| true),
    ("sub", 2, |g, a, b| g.sub(a, b), |a, b| a - b, |_, _| true),
    ("mul", 2, |g, a, b| g.mul(a, b), |a, b| a * b, |_, _| true),
    ("div", 2, |g, a, b| g.div(a, b), |a, b| a / b, |_, b| b.abs() > 0.3),
    ("max", 2, |g, a, b| g.max(a, b), f64::max, |a, b| (a - b).abs() > 0.01),
    ("pow", 2, |g, a, b| g.pow(a, b), f64::powf, |a, _| a > 0.3),
    ("neg", 1, |g, a, _| g.neg(a), |a, _| -a, |_, _| true),
    ("exp", 1, |g, a, _| g.exp(a), |a, _| a.exp(), |_, _| true),
    ("ln", 1, |g, a, _| g.ln(a), |a, _| a.ln(), |a, _| a > 0.3),
    ("sqrt", 1, |g, a, _| g.sqrt(a), |a, _| a.sqrt(), |a, _| a > 0.3),
    ("tanh", 1, |g, a, _| g.tanh(a), |a, _| a.tanh(), |_, _| true),
    ("sigmoid", 1, |g, a, _| g.sigmoid(a), |a, _| 1.0 / (1.0 + (-a).exp()), |_, _| true),
    ("relu", 1, |g, a, _| g.relu(a), |a, _| a.max(0.0), |a, _| a.abs() > 0.01),
    ("power 0", 1, |g, a, _| g.powi(a, 0), |_, _| 1.0, |_, _| true),
    ("power 2", 1, |g, a, _| g.powi(a, 2), |a, _| a * a, |_, _| true),
    ("power 3", 1, |g, a, _| g.powi(a, 3), |a, _| a * a * a, |_, _| true),
    ("power -5", 1, |g, a, _| g.powi(a, -5), |a, _| a.powi(-5), |a, _| a.abs() > 0.5),
];

/// The slope of `f` at `x`: central differences with steps `h` and `2h`, the leading error of which cancels (Richardson).
fn difference(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    const H: f64 = 1e-4;
    let central = |h: f64| (f(x + h) - f(x - h)) / (2.0 * h);
    (4.0 * central(H) - central(2.0 * H)) / 3.0
}

#[test]
fn every_primitive_matches_central_differences() -> Result<(), GraphError> {
    for (name, _, in_graph, in_f64, allowed) in PRIMITIVES {
        let mut random = Random::new(1);
        for _ in 0..200 {
            let (a, b) = (random.uniform(-3.0, 3.0), random.uniform(-3.0, 3.0));
            let (exact_a, exact_b) = (f64::from(a), f64::from(b));
            if !allowed(exact_a, exact_b) {
                continue;
            }
            let graph = Graph::<64>::NEW;
            let leaves = (graph.leaf(a)?, graph.leaf(b)?);
            let y = in_graph(&graph, leaves.0, leaves.1)?;
            graph.backward(y)?;
            let pairs = [
                (graph.value(y)?, in_f64(exact_a, exact_b)),
                (graph.gradient(leaves.0)?, difference(exact_a, |a| in_f64(a, exact_b))),
                (graph.gradient(leaves.1)?, difference(exact_b, |b| in_f64(exact_a, b))),
            ];
            for (found, expected) in pairs {
                // Relative, but for slopes near 0: `1 - y²` and the like have an absolute error. The worst seen is below 5.
                let error = (f64::from(found) - expected).abs() / (expected.abs() + 0.25) / ROUNDING;
                assert!(error < 12.0, "{name} at {a}, {b}: {found}, not {expected}: {error}");
            }
        }
    }
    Ok(())
}

#[test]
fn random_expressions_match_central_differences() {
    let mut tried = 0;
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let leaves: [f32; 4] = std::array::from_fn(|_| random.uniform(-2.0, 2.0));
        // Nodes as primitive and operands, each tame where the leaves are.
        let mut program: Vec<(usize, usize, usize)> = Vec::new();
        let evaluate = |program: &[(usize, usize, usize)], leaf: usize, moved: f64| {
            let mut values: Vec<f64> = leaves.map(f64::from).to_vec();
            values[leaf] = moved;
            for &(primitive, a, b) in program {
                values.push(PRIMITIVES[primitive].3(values[a], values[b]));
            }
            values
        };
        while program.len() < 12 {
            let values = evaluate(&program, 0, f64::from(leaves[0]));
            let (primitive, b) = (random.below(PRIMITIVES.len()), random.below(values.len()));
            // One operand is the node before, so that the chain is long.
            let a = values.len() - 1;
            let (a, b) = if random.below(2) == 0 { (a, b) } else { (b, a) };
            let (_, operands, _, in_f64, allowed) = PRIMITIVES[primitive];
            let uses_last = operands == 2 || a == values.len() - 1;
            if uses_last && allowed(values[a], values[b]) && in_f64(values[a], values[b]).abs() < 4.0 {
                program.push((primitive, a, b));
            }
        }

        let graph = Graph::<64>::NEW;
        let mut nodes: Vec<Node<'_>> = leaves.map(|leaf| graph.leaf(leaf).expect("room")).to_vec();
        for &(primitive, a, b) in &program {
            nodes.push(PRIMITIVES[primitive].2(&graph, nodes[a], nodes[b]).expect("room"));
        }
        let last = |values: Vec<f64>| values[values.len() - 1];
        graph.backward(nodes[nodes.len() - 1]).expect("own node");
        // A rounding at any node reaches the output times that node's gradient. The worst seen is below 21.
        let largest =
            nodes.iter().fold(1.0f32, |largest, &node| largest.max(graph.gradient(node).expect("swept").abs()));
        for (leaf, &x) in leaves.iter().enumerate() {
            let expected = difference(f64::from(x), |moved| last(evaluate(&program, leaf, moved)));
            let found = graph.gradient(nodes[leaf]).expect("swept");
            let error = (f64::from(found) - expected).abs() / f64::from(largest) / ROUNDING;
            tried += usize::from(expected != 0.0);
            let names: Vec<_> = program.iter().map(|&(primitive, a, b)| (PRIMITIVES[primitive].0, a, b)).collect();
            assert!(
                error < 64.0,
                "seed {seed}, leaf {leaf} of {leaves:?}: {found}, not {expected}: {error} in {names:?}"
            );
        }
    }
    assert!(tried > 700, "only {tried} slopes are not 0");
}

#[test]
fn a_node_used_twice_adds_its_gradients() -> Result<(), GraphError> {
    let graph = Graph::<8>::NEW;
    let x = graph.leaf(2.0)?;
    let y = graph.add(graph.mul(x, x)?, graph.div(graph.leaf(6.0)?, x)?)?;
    graph.backward(y)?;
    assert_eq!(graph.gradient(x)?, 2.5); // 2x - 6/x²
    Ok(())
}

#[test]
fn gradients_add_up_from_the_latest_use_to_the_first_and_start_with_a_term() -> Result<(), GraphError> {
    // Each order of these three sums to something else.
    let factors = [1.0, 1e8, -1e8];
    let graph = Graph::<16>::NEW;
    let x = graph.leaf(1.0)?;
    let mut y = graph.leaf(0.0)?;
    for factor in factors {
        y = graph.add(y, graph.mul(x, graph.leaf(factor)?)?)?;
    }
    graph.backward(y)?;
    assert_eq!(graph.gradient(x)?, -1e8 + 1e8 + 1.0);
    let y = graph.mul(x, graph.leaf(-0.0)?)?;
    graph.backward(y)?;
    assert_eq!(graph.gradient(x)?.to_bits(), (-0.0f32).to_bits(), "one term is that term");
    Ok(())
}

#[test]
fn nodes_that_the_output_does_not_depend_on_give_nothing() -> Result<(), GraphError> {
    let graph = Graph::<8>::NEW;
    let x = graph.leaf(0.0)?;
    let (unused, y) = (graph.ln(x)?, graph.exp(x)?); // the slope of ln at 0 is infinite
    let later = graph.ln(x)?;
    graph.backward(y)?;
    assert_eq!(graph.gradient(x)?, 1.0);
    assert_eq!([graph.gradient(unused)?, graph.gradient(later)?], [0.0; 2]);
    Ok(())
}

#[test]
fn a_node_made_after_the_sweep_has_no_gradient_before_the_next() -> Result<(), GraphError> {
    let mut graph = Graph::<8>::NEW;
    let x = graph.leaf(3.0)?;
    let y = graph.mul(x, x)?;
    assert_eq!(graph.gradient(x), Err(GraphError::NoGradient), "no sweep yet");
    graph.backward(y)?;
    let z = graph.exp(y)?;
    let unused = graph.leaf(1.0)?;
    assert_eq!([graph.gradient(x), graph.gradient(y)], [Ok(6.0), Ok(1.0)]);
    assert_eq!([graph.gradient(z), graph.gradient(unused)], [Err(GraphError::NoGradient); 2]);
    // A sweep from a lower node passes by those above it: the output doesn't depend on them.
    graph.backward(y)?;
    assert_eq!([graph.gradient(x), graph.gradient(y), graph.gradient(z)], [Ok(6.0), Ok(1.0), Ok(0.0)]);
    graph.backward(z)?;
    assert_eq!([graph.gradient(z), graph.gradient(unused)], [Ok(1.0), Ok(0.0)]);
    // A place that is used again has forgotten the sweep.
    graph.clear();
    let again = graph.leaf(2.0)?;
    assert_eq!(graph.gradient(again), Err(GraphError::NoGradient));
    Ok(())
}

#[test]
fn nodes_are_exhausted_exactly_at_capacity_and_the_graph_stays_usable() -> Result<(), GraphError> {
    let full = Err(GraphError::NodesExhausted { capacity: 4 });
    let mut graph = Graph::<4>::NEW;
    let (a, b) = (graph.leaf(2.0)?, graph.leaf(3.0)?);
    assert_eq!(graph.pow(a, b).map(|_| ()), full, "three nodes where two have room");
    assert_eq!(graph.nodes(), 2, "none of them was added");
    let y = graph.mul(graph.mul(a, b)?, b)?;
    assert_eq!((graph.nodes(), graph.leaf(1.0).map(|_| ())), (4, full));
    assert_eq!(graph.exp(y).map(|_| ()), full);
    assert_eq!(graph.nodes(), 4);
    graph.backward(y)?;
    assert_eq!((graph.value(y)?, graph.gradient(a)?, graph.gradient(b)?), (18.0, 9.0, 12.0));
    graph.clear();
    let c = graph.leaf(5.0)?;
    assert_eq!((graph.nodes(), graph.value(c)?), (1, 5.0));
    assert_eq!(graph.gradient(c), Err(GraphError::NoGradient), "the sweep was forgotten, too");
    let none = Graph::<0>::NEW;
    assert_eq!(none.leaf(1.0).map(|_| ()), Err(GraphError::NodesExhausted { capacity: 0 }));
    Ok(())
}

#[test]
fn nodes_of_another_graph_are_refused_and_change_nothing() -> Result<(), GraphError> {
    let graphs = [const { Graph::<4>::NEW }; 2];
    let (own, foreign) = (graphs[0].leaf(1.0)?, graphs[1].leaf(2.0)?);
    let refused = Err(GraphError::ForeignNode);
    assert_eq!(graphs[0].gradient(own), Err(GraphError::NoGradient));
    assert_eq!(graphs[0].value(foreign), Err(GraphError::ForeignNode));
    assert_eq!(graphs[0].backward(foreign), refused);
    for y in
        [graphs[0].add(own, foreign), graphs[0].add(foreign, own), graphs[0].exp(foreign), graphs[0].pow(own, foreign)]
    {
        assert_eq!(y.map(|_| ()), refused);
    }
    assert_eq!(graphs[0].nodes(), 1);
    graphs[0].backward(own)?;
    assert_eq!((graphs[0].gradient(own)?, graphs[0].gradient(foreign)), (1.0, Err(GraphError::ForeignNode)));
    Ok(())
}

#[test]
fn maximum_gives_its_gradient_to_the_larger_and_half_to_each_of_two_equals() -> Result<(), GraphError> {
    for (a, b, to_a, to_b) in [(2.0, 1.0, 1.0, 0.0), (1.0, 2.0, 0.0, 1.0), (2.0, 2.0, 0.5, 0.5), (0.0, -0.0, 0.5, 0.5)]
    {
        let graph = Graph::<3>::NEW;
        let (leaf_a, leaf_b) = (graph.leaf(a)?, graph.leaf(b)?);
        let y = graph.max(leaf_a, leaf_b)?;
        graph.backward(y)?;
        assert_eq!(
            (graph.value(y)?, graph.gradient(leaf_a)?, graph.gradient(leaf_b)?),
            (a.max(b), to_a, to_b),
            "{a}, {b}"
        );
    }
    Ok(())
}

#[test]
fn special_values_are_as_documented() -> Result<(), GraphError> {
    let at = |a: f32, b: f32, in_graph: InGraph| -> Result<[f32; 3], GraphError> {
        let graph = Graph::<64>::NEW;
        let (a, b) = (graph.leaf(a)?, graph.leaf(b)?);
        let y = in_graph(&graph, a, b)?;
        graph.backward(y)?;
        Ok([graph.value(y)?, graph.gradient(a)?, graph.gradient(b)?])
    };
    let [y, to_a, to_b] = at(f32::NAN, 2.0, |g, a, b| g.max(a, b))?;
    assert!(y.is_nan() && to_a == 1.0 && to_b == 1.0, "the whole gradient to both where one is NaN");
    assert_eq!(at(0.0, 0.0, |g, a, _| g.relu(a))?, [0.0, 0.0, 0.0]);
    assert_eq!(at(0.0, 0.0, |g, a, _| g.powi(a, 0))?, [1.0, 0.0, 0.0]);
    assert_eq!(at(0.0, 0.0, |g, a, _| g.powi(a, 1))?, [0.0, 1.0, 0.0]);
    assert_eq!(at(-2.0, 0.0, |g, a, _| g.powi(a, -1))?, [-0.5, -0.25, 0.0]);
    assert_eq!(at(1e20, 0.0, |g, a, _| g.powi(a, -2))?[0], 0.0, "the power overflows, although 1e-40 is a subnormal");
    assert_eq!(at(-1.0, 0.0, |g, a, _| g.powi(a, i16::MIN))?, [1.0, 32768.0, 0.0]);
    let [y, to_a, _] = at(0.0, 2.0, |g, a, b| g.pow(a, b))?;
    assert!(y == 0.0 && to_a.is_nan(), "{y}, {to_a}");
    assert!(at(-2.0, 2.0, |g, a, b| g.pow(a, b))?[0].is_nan() && at(0.0, 0.0, |g, a, b| g.pow(a, b))?[0].is_nan());
    assert_eq!(at(0.0, -1.0, |g, a, b| g.pow(a, b))?[0], f32::INFINITY);
    Ok(())
}

#[test]
fn not_a_number_is_never_swallowed() -> Result<(), GraphError> {
    for (name, operands, in_graph, ..) in PRIMITIVES {
        let graph = Graph::<64>::NEW;
        for number in [0.0, 1.0, -1.0, f32::INFINITY, f32::NAN] {
            let (nan, number) = (graph.leaf(f32::NAN)?, graph.leaf(number)?);
            assert!(graph.value(in_graph(&graph, nan, number)?)?.is_nan(), "{name}");
            assert!(operands == 1 || graph.value(in_graph(&graph, number, nan)?)?.is_nan(), "{name}");
        }
    }
    Ok(())
}

#[test]
fn size_is_15_bytes_a_node_and_2_and_lies_in_a_static() {
    static GRAPH: std::sync::Mutex<Graph<64>> = std::sync::Mutex::new(Graph::NEW);
    assert_eq!(GRAPH.lock().expect("free").nodes(), 0);
    let bytes = |nodes: usize| (15 * nodes + 2).next_multiple_of(4);
    assert_eq!([Graph::<0>::BYTES, Graph::<1>::BYTES, Graph::<16>::BYTES], [0, 1, 16].map(bytes));
    assert_eq!([Graph::<63>::BYTES, Graph::<64>::BYTES, Graph::<65_535>::BYTES], [63, 64, 65_535].map(bytes));
}

/// A loss that a user writes as the formula of one sample: here its mean over samples, by a small graph on the stack.
trait Formula<const N: usize>: Copy {
    fn build<'g>(self, g: &'g Graph<32>, a: [Node<'g>; N], t: &[f32; N]) -> Result<Node<'g>, GraphError>;

    fn value_and_slopes(self, outputs: &[f32; N], targets: &[f32; N]) -> Result<(f32, [f32; N]), GraphError> {
        let graph = Graph::NEW;
        let mut leaves = [graph.leaf(0.0)?; N];
        for (leaf, output) in leaves.iter_mut().zip(outputs) {
            *leaf = graph.leaf(*output)?;
        }
        let loss = self.build(&graph, leaves, targets)?;
        graph.backward(loss)?;
        let mut slopes = [0.0; N];
        for (slope, leaf) in slopes.iter_mut().zip(leaves) {
            *slope = graph.gradient(leaf)?;
        }
        Ok((graph.value(loss)?, slopes))
    }

    fn value_and_delta<A: Activation>(self, outputs: &mut [f32; N], targets: &[f32; N], scale: f32) -> f32 {
        // A step refuses NaN, so a graph that is too small can't go unseen.
        let (value, slopes) = self.value_and_slopes(outputs, targets).unwrap_or((f32::NAN, [f32::NAN; N]));
        for (output, slope) in outputs.iter_mut().zip(slopes) {
            *output = A::backward(slope * scale, *output);
        }
        value
    }
}

/// The methods of a `Loss` by a `Formula`.
macro_rules! loss_by_formula {
    ($loss:ty, $n:expr $(, $generic:ident)?) => {
        impl<A: Activation $(, const $generic: usize)?> Loss<Features<{ $n }>, A, [f32; $n]> for $loss {
            fn check(&self, target: &[f32; $n]) -> Result<(), TargetError> {
                if target.iter().all(|t| t.is_finite()) { Ok(()) } else { Err(TargetError::NonFinite) }
            }

            fn scale(&self, samples: usize) -> f32 {
                1.0 / samples as f32
            }

            fn value(&self, output: &[f32; $n], target: &[f32; $n]) -> f32 {
                self.value_and_slopes(output, target).map_or(f32::NAN, |(value, _)| value)
            }

            fn value_and_delta(&self, output: &mut [f32; $n], target: &[f32; $n], scale: f32) -> f32 {
                Formula::value_and_delta::<A>(*self, output, target, scale)
            }

            fn total(&self, sum: f32, samples: usize) -> f32 {
                sum / samples as f32
            }
        }
    };
}

/// `Σ_outputs max(q·(t - a), (q - 1)·(t - a))`: the network learns the quantile `q` of the targets.
/// Koenker and Bassett, *Regression Quantiles*, 1978.
#[derive(Clone, Copy, Debug)]
struct Pinball {
    quantile: f32,
}

impl<const N: usize> Formula<N> for Pinball {
    fn build<'g>(self, g: &'g Graph<32>, a: [Node<'g>; N], t: &[f32; N]) -> Result<Node<'g>, GraphError> {
        let (below, above) = (g.leaf(self.quantile)?, g.leaf(self.quantile - 1.0)?);
        let mut sum = g.leaf(0.0)?;
        for (a, t) in a.into_iter().zip(t) {
            let error = g.sub(g.leaf(*t)?, a)?;
            sum = g.add(sum, g.max(g.mul(below, error)?, g.mul(above, error)?)?)?;
        }
        Ok(sum)
    }
}

loss_by_formula!(Pinball, N, N);

/// Heights of a ball at three times, 0.2 s apart: `Σ(h - t)² + λ·(h₀ - 2h₁ + h₂ + 9.81·0.2²)²`.
#[derive(Clone, Copy, Debug)]
struct FreeFall {
    lambda: f32,
}

const FALL: f32 = 0.3924;

impl Formula<3> for FreeFall {
    fn build<'g>(self, g: &'g Graph<32>, h: [Node<'g>; 3], t: &[f32; 3]) -> Result<Node<'g>, GraphError> {
        let bend = g.add(g.sub(h[0], g.add(h[1], h[1])?)?, h[2])?;
        let residual = g.add(bend, g.leaf(FALL)?)?;
        let mut sum = g.mul(g.leaf(self.lambda)?, g.powi(residual, 2)?)?;
        for (h, t) in h.into_iter().zip(t) {
            sum = g.add(sum, g.powi(g.sub(h, g.leaf(*t)?)?, 2)?)?;
        }
        Ok(sum)
    }
}

loss_by_formula!(FreeFall, 3);

/// The gradient of a network under a loss, against central differences of the network and `in_f64` in `f64`.
fn assert_network_gradient<L, const N: usize>(loss: &L, in_f64: impl Fn(&[f64], &[f32]) -> f64)
where
    L: Loss<Features<N>, Identity, [f32; N]>,
{
    type Net<const N: usize> = (Dense<2, 5, Tanh>, Dense<5, N>);
    let mut random = Random::new(7);
    let mut network = random_network::<Net<N>>(&mut random);
    let inputs: [[f32; 2]; 6] = std::array::from_fn(|_| std::array::from_fn(|_| random.uniform(-1.0, 1.0)));
    let targets: [[f32; N]; 6] = std::array::from_fn(|_| std::array::from_fn(|_| random.uniform(-1.0, 1.0)));
    let (mut gradients, mut workspace) = (Gradients::<Net<N>>::ZERO, Workspace::<6, FLOATS>::ZERO);
    let data = Dataset::from_arrays(&inputs, &targets);
    let value = accumulate(&mut network, &mut gradients, &mut workspace, &data, loss, 6).expect("sound");

    let layer = |x: &[f64], parameters: &[f64], outputs: usize| -> Vec<f64> {
        let (weights, bias) = parameters.split_at(x.len() * outputs);
        (0..outputs)
            .map(|o| bias[o] + x.iter().enumerate().map(|(i, x)| x * weights[i * outputs + o]).sum::<f64>())
            .collect()
    };
    let total = |parameters: &[f64]| -> f64 {
        let of_sample = |(x, t): (&[f32; 2], &[f32; N])| {
            let hidden: Vec<f64> = layer(&x.map(f64::from), &parameters[..15], 5).iter().map(|z| z.tanh()).collect();
            in_f64(&layer(&hidden, &parameters[15..], N), t)
        };
        inputs.iter().zip(&targets).map(of_sample).sum::<f64>() / 6.0
    };
    let centre: Vec<f64> = parameters(&network).into_iter().map(f64::from).collect();
    assert!((f64::from(value) - total(&centre)).abs() < 16.0 * ROUNDING * total(&centre));
    for (k, found) in gradient(&gradients).into_iter().enumerate() {
        let expected = difference(centre[k], |moved| {
            let mut parameters = centre.clone();
            parameters[k] = moved;
            total(&parameters)
        });
        assert!((f64::from(found) - expected).abs() < 16.0 * ROUNDING, "parameter {k}: {found}, not {expected}");
    }
}

#[test]
fn a_network_under_a_pinball_loss_has_the_gradient_of_central_differences() {
    for quantile in [0.1, 0.5, 0.9] {
        let q = f64::from(quantile);
        assert_network_gradient::<_, 2>(&Pinball { quantile }, |outputs, targets| {
            let errors = outputs.iter().zip(targets).map(|(a, t)| f64::from(*t) - a);
            errors.map(|error| (q * error).max((q - 1.0) * error)).sum()
        });
    }
}

#[test]
fn a_network_under_a_physics_penalty_has_the_gradient_of_central_differences() {
    assert_network_gradient(&FreeFall { lambda: 0.5 }, |h, targets| {
        let data: f64 = h.iter().zip(targets).map(|(h, t)| (h - f64::from(*t)).powi(2)).sum();
        data + 0.5 * (h[0] - 2.0 * h[1] + h[2] + f64::from(FALL)).powi(2)
    });
}

#[test]
fn a_network_trained_by_a_pinball_loss_learns_the_quantile() -> Result<(), StepError> {
    for quantile in [0.1, 0.5, 0.9] {
        let mut random = Random::new(3);
        let inputs: [[f32; 1]; 100] = std::array::from_fn(|_| [random.uniform(-1.0, 1.0)]);
        // A line with noise that is not symmetric.
        let targets = inputs.map(|[x]| [2.0 * x + random.uniform(0.0, 1.0).powi(3)]);
        let data = Dataset::from_arrays(&inputs, &targets);
        let mut trainer = Trainer::<Dense<1, 1>, Sgd, 100, { floats::<Dense<1, 1>>() }>::NEW;
        for step in 0..4000 {
            let mut sgd = Sgd::new(20.0 / (40.0 + step as f32));
            trainer.step(&data, Pinball { quantile }, &mut sgd)?;
        }
        let below =
            inputs.iter().zip(&targets).filter(|(x, t)| t[0] < trainer.network.predict(x).as_array()[0]).count();
        // The best line goes through two targets; at most a share `q` lies below it, and `1 - q` above.
        let expected = (100.0 * quantile) as usize;
        assert!(below.abs_diff(expected) <= 2, "{below} of 100 below the quantile {quantile}");
    }
    Ok(())
}

#[test]
fn a_network_trained_with_a_physics_penalty_bends_a_wrong_measurement_towards_the_law() -> Result<(), StepError> {
    // Heights that break the law by 0.5; the least sum leaves `0.5 / (1 + 6λ)` of it, since 1² + 2² + 1² = 6.
    let targets = [[1.0, 1.0, 1.0 - FALL + 0.5]];
    for lambda in [0.0, 1.0, 10.0] {
        let mut trainer = Trainer::<Dense<1, 3>, Sgd, 1, { floats::<Dense<1, 3>>() }>::NEW;
        for _ in 0..2000 {
            trainer.step(&Dataset::from_arrays(&[[0.0]], &targets), FreeFall { lambda }, &mut Sgd::new(0.01))?;
        }
        let [a, b, c] = *trainer.network.predict(&[0.0]).as_array();
        let left = a - 2.0 * b + c + FALL;
        assert!((left - 0.5 / (1.0 + 6.0 * lambda)).abs() < 1e-5, "λ {lambda} leaves {left}");
    }
    Ok(())
}
