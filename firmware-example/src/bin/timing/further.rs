//! The further rows of the table, package `catalogue`, but for its losses: what targets they take is theirs to say.

use baregrad::activation::Activation;
use baregrad::shape::Features;
use baregrad::{CrossEntropy, Dense, Identity, Layer, Sgd, Tanh, floats};
use catalogue::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_elementwise, further_activations};
use catalogue::optimizers::{Formula, RATE, SavedRule, VisitOptimizers, further_optimizers};
use instruction_counter::Counter;

use crate::log::Log;
use crate::measure::measure;

/// Adds their lines to the log.
pub(crate) fn further(counter: &mut Counter, log: &mut Log) {
    let mut all = Further { counter, log };
    further_optimizers(&mut all);
    further_activations(&mut all);
    each_elementwise(&mut all);
}

struct Further<'a> {
    counter: &'a mut Counter,
    log: &'a mut Log,
}

type Usual = (Dense<4, WIDTH, Tanh>, Dense<WIDTH, 3>);

impl VisitOptimizers for Further<'_> {
    fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, _: Formula) {
        let counted = measure::<Usual, _, _, u8, 3, { floats::<Usual>() }>(self.counter, start, CrossEntropy);
        self.log.row(name, counted);
    }
}

impl VisitActivations for Further<'_> {
    fn activation<A: Activation>(&mut self, curve: Curve) {
        type Net<A> = (Dense<4, WIDTH, A>, Dense<WIDTH, 3>);
        // Floats of a workspace depend on the sizes alone.
        let rule = Sgd::new(RATE);
        let counted = measure::<Net<A>, _, _, u8, 3, { floats::<Usual>() }>(self.counter, rule, CrossEntropy);
        self.log.row(curve.name, counted);
    }
}

impl VisitElementwise for Further<'_> {
    fn elementwise<L>(&mut self, curve: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>,
    {
        const ENOUGH: usize = floats::<(Usual, (Dense<3, WIDTH>, Dense<WIDTH, WIDTH>))>();
        type Net<L> = (Dense<4, WIDTH>, L, Dense<WIDTH, 3>);
        let counted = measure::<Net<L>, _, _, u8, 3, ENOUGH>(self.counter, Sgd::new(RATE), CrossEntropy);
        self.log.row(curve.name, counted);
    }
}
