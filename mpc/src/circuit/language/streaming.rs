//! Loops over large parameters, recorded once and run for every element.
//!
//! ```text
//! for row in rows { … }                          `rows` is used nowhere else
//! for i in 0..N { … first[i] … second[i] … }     neither is used elsewhere, nor `i` for anything else
//! ```
//!
//! A statement of `main` itself that has one of these forms, over parameters of at least [`FEWEST`] elements,
//! is not unrolled. What is recorded before it ends in a circuit whose outputs are the *state*: the bits of
//! all variables, and the panic bit. The body is recorded as a circuit from the bits that it uses, and an
//! element of each parameter, to the bits that it assigns. Then recording goes on from the state.
//!
//! The same gates are made as by unrolling, but for those that constants would save in some rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use garble_lang::ast::{ExprEnum, Pattern, PatternEnum, StmtEnum};
use garble_lang::token::MetaInfo;
use garble_lang::{TypedFnDef, TypedPattern, TypedStmt};

use super::error::{CompileError, Refusal, refused};
use super::patterns::matches;
use super::state::{Bits, Frame, Lowering};
use super::types::Types;
use super::uses::Uses;
use crate::circuit::netlist::{Netlist, Signal};
use crate::circuit::streamed::{ForEach, MAX_ELEMENTS, Size, Step};
use crate::circuit::{Circuit, TooLarge};

/// The fewest elements of a parameter that is streamed. Below, unrolling makes smaller circuits.
const FEWEST: usize = 64;

/// About the largest number of gates of a block of rounds, and the largest number of its rounds.
const BLOCK_GATES: usize = 1 << 14;
const BLOCK_ROUNDS: usize = 16;

/// A loop that is streamed.
pub(super) struct Stream {
    /// The parameters, by their number.
    pub(super) parameters: Vec<usize>,
    form: Form,
}

enum Form {
    /// The pattern is matched with an element of the one parameter.
    Element,
    /// The body indexes the parameters.
    Index,
}

/// Which statements of `main` are streamed, by their number, and how large its parameters are.
pub(super) struct Plan {
    pub(super) streams: BTreeMap<usize, Stream>,
    pub(super) sizes: Vec<Size>,
}

impl Plan {
    pub(super) fn of(types: &Types<'_>, main: &TypedFnDef) -> Result<Self, CompileError> {
        let whole = Uses::of(&main.body);
        let mut sizes = Vec::with_capacity(main.params.len());
        let mut streams = BTreeMap::<usize, Stream>::new();
        for (number, parameter) in main.params.iter().enumerate() {
            let array = types.array(&parameter.ty, main.meta).ok();
            let array = array.filter(|(_, elements)| (FEWEST..=MAX_ELEMENTS).contains(elements));
            let name = &parameter.name;
            let is_free = !whole.bound.contains(name) && !whole.assigned.contains(name);
            let found = array.filter(|_| is_free).and_then(|(_, elements)| {
                main.body.iter().enumerate().find_map(|(at, s)| Some((at, form(s, &whole, name, elements)?)))
            });
            let (element, elements) = match (array, &found) {
                (Some((element, elements)), Some(_)) => (types.bits(element, main.meta)?, elements),
                _ => (types.bits(&parameter.ty, main.meta)?, 1),
            };
            sizes.push(Size { element, elements, is_streamed: found.is_some() });
            if let Some((at, form)) = found {
                let stream = streams.entry(at).or_insert(Stream { parameters: Vec::new(), form });
                stream.parameters.push(number);
            }
        }
        let mut plan = Self { streams, sizes };
        plan.drop_used_counters(types, main)?;
        Ok(plan)
    }

    /// A loop whose variable has other uses than as an index of streamed parameters is unrolled.
    fn drop_used_counters(&mut self, types: &Types<'_>, main: &TypedFnDef) -> Result<(), CompileError> {
        let Self { streams, sizes } = self;
        let mut whole = Vec::new();
        streams.retain(|at, Stream { parameters, form }| {
            let Some(StmtEnum::ForEachLoop(pattern, _, body)) = main.body.get(*at).map(|s| &s.inner) else {
                return false;
            };
            let (Form::Index, Some(variable)) = (form, identifier(pattern)) else { return true };
            let uses = Uses::of(body);
            let names = parameters.iter().filter_map(|number| main.params.get(*number)).map(|p| &p.name);
            let as_index = names.map(|name| indexes(&uses, name, variable)).sum::<usize>();
            let streams = uses.reads(variable) == as_index;
            if !streams {
                whole.append(parameters);
            }
            streams
        });
        for number in whole {
            let element = types.bits(&main.params[number].ty, main.meta)?;
            sizes[number] = Size { element, elements: 1, is_streamed: false };
        }
        Ok(())
    }
}

/// How a statement streams a parameter, if all uses of its name are there.
fn form(statement: &TypedStmt, whole: &Uses, name: &str, elements: usize) -> Option<Form> {
    let StmtEnum::ForEachLoop(pattern, array, body) = &statement.inner else { return None };
    match &array.inner {
        ExprEnum::Identifier(array) if array == name && whole.reads(name) == 1 => Some(Form::Element),
        ExprEnum::Range(0, to, _) if usize::try_from(*to).ok() == Some(elements) => {
            let (variable, uses) = (identifier(pattern)?, Uses::of(body));
            let indexed = indexes(&uses, name, variable);
            let only = indexed > 0 && indexed == whole.reads(name) && !uses.bound.contains(variable);
            only.then_some(Form::Index)
        }
        _ => None,
    }
}

/// How often a name is indexed by a variable.
fn indexes(uses: &Uses, name: &str, variable: &str) -> usize {
    uses.indexed.get(&(name.to_owned(), variable.to_owned())).copied().unwrap_or_default()
}

fn identifier(Pattern(pattern, ..): &TypedPattern) -> Option<&str> {
    match pattern {
        PatternEnum::Identifier(name) => Some(name),
        _ => None,
    }
}

/// Where a bit of a variable is while a loop runs.
#[derive(Clone, Copy)]
enum Place {
    Constant(bool),
    State(usize),
}

/// The state of a loop: what each of its bits was before, and where the bits of all variables are.
#[derive(Default)]
struct State {
    before: Vec<Signal>,
    frame: Vec<BTreeMap<String, Vec<Place>>>,
}

impl State {
    /// The panic bit is the first. Variables that the body assigns have bits of their own; others share equal
    /// bits, and constants of theirs take none.
    fn new(frame: &Frame, panic: Signal, assigned: &BTreeSet<String>) -> Self {
        let mut state = Self { before: vec![panic], frame: Vec::new() };
        let mut shared = BTreeMap::new();
        for scope in frame {
            let mut places = BTreeMap::new();
            for (name, bits) in scope {
                let own = assigned.contains(name);
                let place = bits.iter().map(|bit| match *bit {
                    Signal::Constant(bit) if !own => Place::Constant(bit),
                    Signal::Wire(wire) if !own => {
                        Place::State(*shared.entry(wire).or_insert_with(|| state.push(*bit)))
                    }
                    bit => Place::State(state.push(bit)),
                });
                places.insert(name.clone(), place.collect::<Vec<_>>());
            }
            state.frame.push(places);
        }
        state
    }

    fn push(&mut self, before: Signal) -> usize {
        self.before.push(before);
        self.before.len() - 1
    }

    /// The variables that `wanted` names, with wire `wire(bit)` for each bit of the state.
    fn frame(&self, wanted: impl Fn(&str) -> bool, wire: impl Fn(usize) -> usize) -> Frame {
        let signal = |place: &Place| match *place {
            Place::Constant(bit) => Signal::Constant(bit),
            Place::State(bit) => Signal::Wire(wire(bit)),
        };
        let scope = |scope: &BTreeMap<String, Vec<Place>>| {
            let named = scope.iter().filter(|(name, _)| wanted(name));
            named.map(|(name, places)| (name.clone(), Rc::new(places.iter().map(signal).collect()))).collect()
        };
        self.frame.iter().map(scope).collect()
    }

    /// The bits of the state that belong to variables that `wanted` names, in ascending order, and the panic
    /// bit.
    fn bits_of(&self, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
        let mut all = BTreeSet::from([0]);
        for (_, places) in self.frame.iter().flatten().filter(|(name, _)| wanted(name)) {
            all.extend(places.iter().filter_map(|place| match place {
                Place::Constant(_) => None,
                Place::State(bit) => Some(*bit),
            }));
        }
        all.into_iter().collect()
    }
}

impl Lowering<'_> {
    /// The statements of `main`; returns the value of the last one, and the steps before the gates that are
    /// being recorded.
    pub(super) fn main(&mut self, main: &TypedFnDef, plan: &Plan) -> Result<(Bits, Vec<Step>), CompileError> {
        self.scoped(|this| {
            let (mut value, mut steps) = (Bits::default(), Vec::new());
            for (at, statement) in main.body.iter().enumerate() {
                value = match plan.streams.get(&at) {
                    Some(stream) => {
                        steps.extend(this.stream(statement, stream, main, plan)?);
                        Bits::default()
                    }
                    None => this.statement(statement)?,
                };
            }
            Ok((value, steps))
        })
    }

    fn stream(
        &mut self,
        statement: &TypedStmt,
        stream: &Stream,
        main: &TypedFnDef,
        plan: &Plan,
    ) -> Result<[Step; 2], CompileError> {
        let meta = statement.meta;
        let StmtEnum::ForEachLoop(pattern, _, body) = &statement.inner else {
            return Err(refused(meta, Refusal::Unsupported));
        };
        let uses = Uses::of(body);
        let is_used = |name: &str| uses.reads(name) > 0 || uses.assigned.contains(name);
        let state = State::new(self.frame(), self.panic(), &uses.assigned);
        self.spend(meta, state.before.len())?;
        let before = self.circuit(meta, state.before.clone())?;

        let reads = state.bits_of(is_used);
        let writes = state.bits_of(|name| uses.assigned.contains(name));
        let parameters: Vec<(&str, usize)> = stream
            .parameters
            .iter()
            .map(|number| (main.params[*number].name.as_str(), plan.sizes[*number].element))
            .collect();
        let elements: usize = parameters.iter().map(|(_, bits)| bits).sum();
        let place = |bit: usize| reads.binary_search(&bit).unwrap_or_default();
        let record = |this: &mut Self, rounds: usize| -> Result<Netlist, CompileError> {
            this.restart(reads.len() + rounds * elements, state.frame(is_used, place));
            let mut wires = (reads.len()..).map(Signal::Wire);
            for _ in 0..rounds {
                let taken = parameters.iter().map(|(name, bits)| {
                    ((*name).to_owned(), Rc::new(wires.by_ref().take(*bits).collect::<Vec<_>>()))
                });
                let taken: BTreeMap<String, Bits> = taken.collect();
                this.spend(meta, elements)?;
                this.scoped(|this| {
                    match (&stream.form, taken.first_key_value()) {
                        (Form::Element, Some((_, element))) => _ = matches(this, pattern, element)?,
                        _ => this.elements = taken,
                    }
                    this.statements(body)
                })?;
                this.elements.clear();
            }
            let after = state.values(&writes, this.frame(), this.panic());
            this.end(meta, after)
        };
        let round = record(self, 1)?;
        let rounds = plan.sizes[stream.parameters[0]].elements;
        let most = BLOCK_GATES.min(self.gates_left()) / round.gates().len().max(1);
        let at_once = 1 << most.min(BLOCK_ROUNDS).min(rounds).max(1).ilog2();
        let block = if at_once > 1 { record(self, at_once)? } else { round.clone() };
        let numbers = |bits: Vec<usize>| bits.into_iter().map(|bit| bit as u32).collect();
        let each = ForEach {
            values: stream.parameters.clone(),
            round: self.scheduled(meta, &round)?,
            rounds: at_once,
            block: self.scheduled(meta, &block)?,
            reads: numbers(reads.clone()),
            writes: numbers(writes.clone()),
        };
        self.restart(state.before.len(), state.frame(|_| true, |bit| bit));
        Ok([Step::Once(before), Step::ForEach(each)])
    }

    /// Ends the recording in a circuit with these outputs.
    fn circuit(&mut self, meta: MetaInfo, outputs: Vec<Signal>) -> Result<Circuit, CompileError> {
        let netlist = self.end(meta, outputs)?;
        self.scheduled(meta, &netlist)
    }

    fn scheduled(&self, meta: MetaInfo, netlist: &Netlist) -> Result<Circuit, CompileError> {
        Circuit::new(netlist).map_err(|TooLarge| self.too_many_gates(meta))
    }
}

impl State {
    /// The values of these bits of the state after a round.
    fn values(&self, bits: &[usize], frame: &Frame, panic: Signal) -> Vec<Signal> {
        let mut after = BTreeMap::from([(0, panic)]);
        for (places, values) in self.frame.iter().zip(frame) {
            for (name, places) in places {
                let values = values.get(name).map_or(&[][..], |values| &values[..]);
                after.extend(places.iter().zip(values).filter_map(|(place, value)| match place {
                    Place::Constant(_) => None,
                    Place::State(bit) => Some((*bit, *value)),
                }));
            }
        }
        bits.iter().map(|bit| after.get(bit).copied().unwrap_or_default()).collect()
    }
}
