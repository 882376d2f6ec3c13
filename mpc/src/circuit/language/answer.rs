//! What goes to the compiler's process and comes back: a request, and the answer.
//!
//! ```text
//! request = text of COMPILER ‖ gates (u64) ‖ constants: list of (text, i128) ‖ source: text
//! answer  = 0 ‖ parameters: list of value ‖ result: value ‖ circuit           or 1 ‖ error
//! value   = name: text ‖ elements (u64) ‖ bits (u64) ‖ leaves: list of leaf ‖ order: list of places (u64), each leaf once
//! leaf    = path: text ‖ smallest, largest (i128) ‖ decimals (u8) ‖ kind ‖ first bit (u64) ‖ 0, or 1 ‖ leaf, variant (u64)
//! kind    = 0 number, 1 bool, or 2 ‖ variants: list of text
//! error   = tag (u8) ‖ fields; a location is line and column (u32 each)
//! ```
//!
//! An answer is read as untrusted: its size is bounded before it is read, its encoding is unique, and the
//! values must have as many bits as the circuit. The digest of the source is not taken from it.

use sha2::{Digest, Sha256};

use super::error::{CompileError, ConstantProblem, Location, Refusal};
use super::value::{Case, Leaf, LeafKind, Value};
use super::{COMPILER, Compiled, Options, compile};
use crate::circuit::StreamedCircuit;
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::number::Number;

/// The largest request in bytes: a source and its constants.
pub(crate) const MAX_REQUEST: u64 = 1 << 18;

/// The largest answer in bytes to a request with this limit of gates.
pub(crate) fn most_bytes(options: &Options) -> u64 {
    // A gate has 12 bytes and perhaps a batch of 8, a result 5; names and paths are bounded by the source.
    (1 << 26) + 32 * options.gates as u64
}

/// The request for a source.
pub(crate) fn request(source: &str, options: &Options) -> Vec<u8> {
    let mut out = Vec::new();
    COMPILER.encode(&mut out);
    options.gates.encode(&mut out);
    options.constants.iter().map(|(name, value)| (name.clone(), *value)).collect::<Vec<_>>().encode(&mut out);
    source.encode(&mut out);
    out
}

/// Compiles what a request asks for: the work of the compiler's process.
pub(crate) fn answer(request: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match asked(request).and_then(|(source, options)| compile(&source, &options)) {
        Ok((circuit, parameters, result)) => {
            0u8.encode(&mut out);
            parameters.encode(&mut out);
            result.encode(&mut out);
            circuit.encode(&mut out);
        }
        Err(error) => {
            1u8.encode(&mut out);
            error.encode(&mut out);
        }
    }
    out
}

fn asked(request: &[u8]) -> Result<(String, Options), CompileError> {
    let mut reader = Reader::new(request);
    if String::decode(&mut reader).ok().as_deref() != Some(COMPILER) {
        return Err(CompileError::OtherVersion);
    }
    let (gates, constants, source) = <(usize, Vec<(String, i128)>, String)>::decode(&mut reader)
        .ok()
        .filter(|_| reader.is_empty())
        .ok_or(CompileError::InvalidAnswer)?;
    Ok((source, Options { gates, constants: constants.into_iter().collect() }))
}

impl Compiled {
    /// Reads the answer to the request for this source and these options.
    ///
    /// # Errors
    /// The error that the answer is, or [`CompileError::InvalidAnswer`].
    pub fn from_answer(answer: &[u8], source: &str, options: &Options) -> Result<Self, CompileError> {
        let invalid = |_| CompileError::InvalidAnswer;
        match answer.split_first() {
            Some((0, bytes)) => {
                let (parameters, result, circuit) =
                    <(Vec<Value>, Value, StreamedCircuit)>::from_bytes(bytes).map_err(invalid)?;
                let source = Sha256::digest(source.as_bytes()).into();
                let compiled = Self { circuit, parameters, result, source };
                if compiled.fits(options) { Ok(compiled) } else { Err(CompileError::InvalidAnswer) }
            }
            Some((1, bytes)) => Err(CompileError::from_bytes(bytes).map_err(invalid)?),
            _ => Err(CompileError::InvalidAnswer),
        }
    }

    /// Whether the values have the circuit's bits, and the circuit no more gates than asked for.
    fn fits(&self, options: &Options) -> bool {
        let bits = |value: &Value| value.bits.checked_mul(value.elements);
        let inputs = self.circuit.inputs().iter().copied().map(Some);
        self.parameters.iter().map(bits).eq(inputs)
            && self.parameters.iter().enumerate().all(|(i, value)| {
                let elements = self.circuit.elements(i);
                elements.is_none_or(|(n, one)| n == value.elements && bits(value) == Some(n * one))
            })
            && matches!(self.circuit.outputs(), [1, result] if bits(&self.result) == Some(*result))
            && self.circuit.gates() <= options.gates
    }
}

impl<A: Encode, B: Encode> Encode for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
}

impl<A: Decode, B: Decode> Decode for (A, B) {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::decode(reader)?, B::decode(reader)?))
    }
}

impl<A: Decode, B: Decode, C: Decode> Decode for (A, B, C) {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::decode(reader)?, B::decode(reader)?, C::decode(reader)?))
    }
}

impl Encode for Leaf {
    fn encode(&self, out: &mut Vec<u8>) {
        self.path.encode(out);
        self.number.min().encode(out);
        self.number.max().encode(out);
        self.number.decimals().encode(out);
        match &self.kind {
            LeafKind::Number => 0u8.encode(out),
            LeafKind::Bool => 1u8.encode(out),
            LeafKind::Variant(names) => {
                2u8.encode(out);
                names.encode(out);
            }
        }
        self.bit.encode(out);
        self.case.encode(out);
    }
}

impl Decode for Leaf {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let path = Decode::decode(reader)?;
        let (min, max, decimals) = Decode::decode(reader)?;
        // Wider ranges would overflow the arithmetic on the way to their width.
        let range = (-(1 << 126)..1 << 126).contains(&min) && (-(1 << 126)..1 << 126).contains(&max);
        let number = if range { Number::new(min, max) } else { None };
        let number = number.ok_or(DecodeError::Invalid("range"))?.scaled(decimals);
        let kind = match u8::decode(reader)? {
            0 => LeafKind::Number,
            1 => LeafKind::Bool,
            2 => LeafKind::Variant(Decode::decode(reader)?),
            _ => return Err(DecodeError::Invalid("kind")),
        };
        let last = match &kind {
            LeafKind::Number => None,
            LeafKind::Bool => Some(1),
            LeafKind::Variant(names) => Some((names.len() as i128 - 1).max(0)),
        };
        // What has names has one for each number.
        if last.is_none_or(|last| (number.min(), number.max()) == (0, last)) {
            Ok(Self { path, number, kind, bit: Decode::decode(reader)?, case: Decode::decode(reader)? })
        } else {
            Err(DecodeError::Invalid("kind"))
        }
    }
}

impl Encode for Value {
    fn encode(&self, out: &mut Vec<u8>) {
        self.name.encode(out);
        self.elements.encode(out);
        self.bits.encode(out);
        self.leaves.encode(out);
        self.order.encode(out);
    }
}

impl Decode for Value {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (name, elements, bits) = Decode::decode(reader)?;
        let leaves: Vec<Leaf> = Decode::decode(reader)?;
        let order: Vec<usize> = Decode::decode(reader)?;
        let mut places = order.clone();
        places.sort_unstable();
        if !places.into_iter().eq(0..leaves.len()) {
            return Err(DecodeError::Invalid("order"));
        }
        let value = Self { name, elements, bits, leaves, order };
        if value.is_sound() { Ok(value) } else { Err(DecodeError::Invalid("leaves")) }
    }
}

impl Value {
    /// Whether all leaves are within an element, those that are always there one after the other, and the others where
    /// an enum before them has a variant.
    fn is_sound(&self) -> bool {
        let mut end = 0;
        self.leaves.iter().enumerate().all(|(place, leaf)| {
            let next = leaf.bit.checked_add(leaf.number.width());
            let is_within = next.is_some_and(|next| next <= self.bits);
            let is_next = match leaf.case {
                None => leaf.bit >= end,
                Some(Case { tag, variant }) => {
                    let names = self.leaves.get(tag).filter(|_| tag < place).map(|leaf| &leaf.kind);
                    matches!(names, Some(LeafKind::Variant(names)) if variant < names.len())
                }
            };
            end = if leaf.case.is_none() { next.unwrap_or(end) } else { end };
            is_within && is_next
        })
    }
}

impl Encode for Location {
    fn encode(&self, out: &mut Vec<u8>) {
        [self.line as u32, self.column as u32].encode(out);
    }
}

impl Decode for Location {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [line, column] = <[u32; 2]>::decode(reader)?;
        Ok(Self { line: line as usize, column: column as usize })
    }
}

/// Reasons by their tags.
const PROBLEMS: [ConstantProblem; 3] =
    [ConstantProblem::Missing, ConstantProblem::Unused, ConstantProblem::Range];

impl Encode for Refusal {
    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, numbers) = match *self {
            Self::TooManyGates { limit, about } => (0u8, [limit, about]),
            Self::TooMuchWork { limit, about } => (1, [limit, about]),
            Self::TooLarge { limit, found } => (2, [limit, found]),
            Self::TooManyColumns(n) => (3, [n as u64, 0]),
            Self::Recursive => (4, [0; 2]),
            Self::Width => (5, [0; 2]),
            Self::Constant => (6, [0; 2]),
            Self::Unsupported => (7, [0; 2]),
        };
        tag.encode(out);
        numbers.iter().for_each(|number| number.encode(out));
    }
}

impl Decode for Refusal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (tag, first, second) = <(u8, u64, u64)>::decode(reader)?;
        Ok(match (tag, first, second) {
            (0, limit, about) => Self::TooManyGates { limit, about },
            (1, limit, about) => Self::TooMuchWork { limit, about },
            (2, limit, found) => Self::TooLarge { limit, found },
            (3, n, 0) => {
                Self::TooManyColumns(usize::try_from(n).map_err(|_| DecodeError::Invalid("refusal"))?)
            }
            (4, 0, 0) => Self::Recursive,
            (5, 0, 0) => Self::Width,
            (6, 0, 0) => Self::Constant,
            (7, 0, 0) => Self::Unsupported,
            _ => return Err(DecodeError::Invalid("refusal")),
        })
    }
}

/// The errors that a compiler's process answers; the others arise on this side.
impl Encode for CompileError {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::TooLong(n) => (0u8, *n).encode(out),
            Self::TooDeep(location) => (1u8, *location).encode(out),
            Self::Invalid { location, message } => {
                (2u8, *location).encode(out);
                message.encode(out);
            }
            Self::Refused { location, refusal } => ((3u8, *location), *refusal).encode(out),
            Self::NoMain => 4u8.encode(out),
            Self::Constant { name, problem } => {
                let tag = PROBLEMS.iter().position(|p| p == problem).unwrap_or_default();
                (5u8, tag as u8).encode(out);
                name.encode(out);
            }
            Self::OtherVersion => 6u8.encode(out),
            Self::TooManyTokens => 7u8.encode(out),
            Self::LongName(location) => (8u8, *location).encode(out),
            _ => 9u8.encode(out),
        }
    }
}

impl Decode for CompileError {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::TooLong(Decode::decode(reader)?),
            1 => Self::TooDeep(Decode::decode(reader)?),
            2 => {
                let (location, message) = Decode::decode(reader)?;
                Self::Invalid { location, message }
            }
            3 => {
                let (location, refusal) = Decode::decode(reader)?;
                Self::Refused { location, refusal }
            }
            4 => Self::NoMain,
            5 => {
                let (tag, name) = <(u8, String)>::decode(reader)?;
                let problem = PROBLEMS.get(usize::from(tag)).ok_or(DecodeError::Invalid("problem"))?;
                Self::Constant { name, problem: *problem }
            }
            6 => Self::OtherVersion,
            7 => Self::TooManyTokens,
            8 => Self::LongName(Decode::decode(reader)?),
            9 => Self::Crashed,
            _ => return Err(DecodeError::Invalid("error")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "pub fn main(x: [u8; 2], y: i16) -> (u8, bool) { (x[0], y > 3i16) }";

    #[test]
    fn an_answer_reads_back_and_no_other_bytes_do() {
        let options = Options::default();
        let bytes = answer(&request(SOURCE, &options));
        let compiled = Compiled::from_answer(&bytes, SOURCE, &options).unwrap();
        assert_eq!((compiled.circuit().inputs(), compiled.circuit().outputs()), (&[16, 16][..], &[1, 9][..]));
        assert_eq!(compiled.source_digest(), <[u8; 32]>::from(Sha256::digest(SOURCE)));
        for length in 0..bytes.len() {
            let cut = Compiled::from_answer(&bytes[..length], SOURCE, &options);
            assert_eq!(cut.unwrap_err(), CompileError::InvalidAnswer);
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            Compiled::from_answer(&longer, SOURCE, &options).unwrap_err(),
            CompileError::InvalidAnswer
        );
        let few = Options { gates: 1, ..options };
        assert_eq!(Compiled::from_answer(&bytes, SOURCE, &few).unwrap_err(), CompileError::InvalidAnswer);
    }

    #[test]
    fn values_must_have_the_bits_of_the_circuit() {
        let options = Options::default();
        let compiled = Compiled::from_answer(&answer(&request(SOURCE, &options)), SOURCE, &options).unwrap();
        let mut wrong = compiled.clone();
        wrong.parameters[1].elements = 2;
        assert!(compiled.fits(&options) && !wrong.fits(&options));
        wrong = compiled.clone();
        wrong.parameters.pop();
        assert!(!wrong.fits(&options));
        wrong = compiled.clone();
        wrong.result.bits += 1;
        assert!(!wrong.fits(&options));
        wrong = compiled;
        wrong.result.elements = usize::MAX;
        assert!(!wrong.fits(&options));
    }

    #[test]
    fn every_error_reads_back() {
        let location = Location { line: 3, column: 4 };
        let refusals = [
            Refusal::TooManyGates { limit: 5, about: 8 },
            Refusal::TooMuchWork { limit: 6, about: 9 },
            Refusal::TooLarge { limit: 6, found: 7 },
            Refusal::TooManyColumns(7),
            Refusal::Recursive,
            Refusal::Width,
            Refusal::Constant,
            Refusal::Unsupported,
        ];
        let refused = refusals.map(|refusal| CompileError::Refused { location, refusal });
        let constants = PROBLEMS.map(|problem| CompileError::Constant { name: "A::B".into(), problem });
        let others = [
            CompileError::TooLong(9),
            CompileError::TooDeep(location),
            CompileError::Invalid { location, message: "no".into() },
            CompileError::NoMain,
            CompileError::OtherVersion,
            CompileError::TooManyTokens,
            CompileError::LongName(location),
            CompileError::Crashed,
        ];
        for error in refused.into_iter().chain(constants).chain(others) {
            let mut bytes = Vec::new();
            error.encode(&mut bytes);
            assert_eq!(CompileError::from_bytes(&bytes), Ok(error));
        }
    }

    #[test]
    fn a_request_of_another_version_is_refused() {
        let mut other = request(SOURCE, &Options::default());
        other[10] ^= 1;
        let answer = answer(&other);
        let error = Compiled::from_answer(&answer, SOURCE, &Options::default()).unwrap_err();
        assert_eq!(error, CompileError::OtherVersion);
        assert_eq!(asked(&request(SOURCE, &Options::default())[..60]), Err(CompileError::InvalidAnswer));
    }

    #[test]
    fn a_range_that_no_number_has_is_refused() {
        for (min, max, holds) in [(i128::MIN, 0, false), (0, i128::MAX, false), (2, 1, false), (1, 2, true)] {
            let mut bytes = Vec::new();
            "x".encode(&mut bytes);
            ((min, max), 0u8).encode(&mut bytes);
            bytes.extend([0; 10]);
            assert_eq!(Leaf::from_bytes(&bytes).is_ok(), holds);
        }
    }

    #[test]
    fn bools_and_variants_keep_their_names() {
        let source = "enum Level { Junior, Senior, Chief }
                      pub fn main(x: (bool, Level), y: u8) -> Level { if x.0 && y > 3u8 { Level::Chief } else { x.1 } }";
        let options = Options::default();
        let compiled = Compiled::from_answer(&answer(&request(source, &options)), source, &options).unwrap();
        let levels = LeafKind::Variant(["Junior", "Senior", "Chief"].map(str::to_owned).to_vec());
        let kinds = |value: &Value| value.leaves.iter().map(|leaf| leaf.kind.clone()).collect::<Vec<_>>();
        assert_eq!(kinds(&compiled.parameters()[0]), [LeafKind::Bool, levels.clone()]);
        assert_eq!(kinds(&compiled.parameters()[1]), [LeafKind::Number]);
        assert_eq!(kinds(compiled.result()), [levels]);
        let mut wrong = compiled.result().leaves[0].clone();
        wrong.number = Number::up_to(3);
        let mut bytes = Vec::new();
        wrong.encode(&mut bytes);
        assert!(Leaf::from_bytes(&bytes).is_err(), "four numbers and three names");
    }

    #[test]
    fn the_fields_of_variants_share_bits() {
        let source = "enum Size { None, Of(u8, bool) }
                      struct Two { a: u8, b: u8 }
                      enum Shape { Empty, Square(Size), Box(u8, Two) }
                      pub fn main(x: (bool, Shape), y: u8) -> Shape { x.1 }";
        let options = Options::default();
        let compiled = Compiled::from_answer(&answer(&request(source, &options)), source, &options).unwrap();
        let value = &compiled.parameters()[0];
        let shown = |leaf: &Leaf| {
            let case = leaf.case.map_or(String::new(), |case| format!("?{}={}", case.tag, case.variant));
            format!("{}@{}{case}", leaf.path, leaf.bit)
        };
        let leaves: Vec<String> = value.leaves.iter().map(shown).collect();
        let square = "1.Square@3?1=1 1.Square.Of.0@4?2=1 1.Square.Of.1@12?2=1";
        let boxed = "1.Box.0@3?1=2 1.Box.1.a@11?1=2 1.Box.1.b@19?1=2";
        assert_eq!(leaves.join(" "), format!("0@0 1@1 {square} {boxed}"));
        assert_eq!((value.bits, compiled.result().bits, compiled.circuit().inputs()), (27, 26, &[27, 8][..]));
        let refused = |change: &dyn Fn(&mut Value)| {
            let (mut wrong, mut bytes) = (value.clone(), Vec::new());
            assert!(wrong.is_sound());
            change(&mut wrong);
            wrong.encode(&mut bytes);
            assert!(Value::from_bytes(&bytes).is_err());
        };
        refused(&|value| value.bits = 26);
        refused(&|value| value.leaves[1].bit = 0);
        for (tag, variant) in [(0, 0), (1, 3), (2, 0)] {
            refused(&|value| value.leaves[2].case = Some(Case { tag, variant }));
        }
        refused(&|value| value.leaves[2].bit = usize::MAX);
    }

    #[test]
    fn the_order_of_a_struct_is_that_of_the_source() {
        let source = "struct Pay { value: u32, currency: u8 }
                      struct Person { pay: [Pay; 2], age: u8 }
                      pub fn main(x: (bool, Person)) -> Person { x.1 }";
        let options = Options::default();
        let compiled = Compiled::from_answer(&answer(&request(source, &options)), source, &options).unwrap();
        let declared = |value: &Value| {
            value.order.iter().map(|place| value.leaves[*place].path.clone()).collect::<Vec<_>>().join(" ")
        };
        let person = "pay[0].value pay[0].currency pay[1].value pay[1].currency age";
        assert_eq!(declared(compiled.result()), person);
        assert_eq!(declared(&compiled.parameters()[0]), format!("0 1.{}", person.replace(' ', " 1.")));
        assert_eq!(compiled.result().leaves[0].path, "age", "bits are in the order of names");
        for order in [vec![0], vec![0, 0, 1, 2, 3], vec![0, 1, 2, 3, 5]] {
            let mut bytes = Vec::new();
            Value { order, ..compiled.result().clone() }.encode(&mut bytes);
            assert!(Value::from_bytes(&bytes).is_err());
        }
    }
}
