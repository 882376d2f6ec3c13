//! The parser and type checker of the Garble language, run within limits.
//!
//! They recurse on the source and were not written for hostile sources. So the source is measured first,
//! which takes one pass and no recursion:
//!
//! ```text
//! bytes                     at most MAX_SOURCE
//! tokens                    at most MAX_TOKENS
//! characters of a name      at most MAX_NAME: paths of nested values repeat names
//! brackets                  at most MAX_DEPTH within each other: expressions, patterns and types
//! operators                 at most MAX_OPERATORS around any place: x + y + z nests as ((x + y) + z)
//! `!` and `-` in a row      at most MAX_DEPTH
//! copies                    `x <= y` is parsed as `x < y | x == y`, which doubles both with each nesting
//! ```
//!
//! This keeps the recursion within the stack. It does not bound time and memory: the parser loops for ever on
//! some sources, and the check that a `match` is exhaustive takes exponential time. The process that this
//! runs in bounds them (`edge::compiler`). A panic becomes an error.

use garble_lang::TypedProgram;

use super::error::{CompileError, Location, MAX_NAME, MAX_SOURCE, MAX_TOKENS, invalid};

/// The deepest nesting of brackets, and the longest row of unary operators.
const MAX_DEPTH: usize = 64;

/// The largest number of operators of an expression and those around it.
const MAX_OPERATORS: usize = 12_000;

/// The largest size of a source, in characters, after comparisons have copied their operands.
const MAX_COPIES: u64 = 1 << 22;

/// The size, in bytes, of the stack on which a source is parsed and lowered: for brackets, and for each
/// operator of the longest chain twice what it takes.
const STACK: usize = 16 << 20;
const STACK_PER_OPERATOR: usize = 12 << 10;

/// Runs `read` on a stack that is large enough for recursion on a source with this nesting.
pub(super) fn on_deep_stack<T: Send>(
    Depth(operators): Depth,
    read: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    std::thread::scope(|scope| {
        let stack = STACK + operators * STACK_PER_OPERATOR;
        let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, read);
        let thread = thread.map_err(|_| CompileError::Crashed)?;
        thread.join().unwrap_or(Err(CompileError::Crashed))
    })
}

/// The largest number of operators around any place of a source that is within the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth(usize);

/// Parses and type-checks a source that was measured.
pub(super) fn check(source: &str) -> Result<TypedProgram, CompileError> {
    garble_lang::check(source).map_err(|error| invalid(&error))
}

/// Refuses a source that is too long, or nested too deeply.
///
/// # Errors
/// What there is too much of, and where.
pub(crate) fn measure(source: &str) -> Result<Depth, CompileError> {
    if source.len() > MAX_SOURCE {
        return Err(CompileError::TooLong(source.len()));
    }
    let mut nesting = Nesting { open: vec![Group::default()], operators: 0, unary: 0 };
    let (mut tokens, mut most) = (0, 0);
    for Token { kind, characters, location } in Tokens::of(source) {
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(CompileError::TooManyTokens);
        }
        if kind == Kind::Word && characters > MAX_NAME as u64 {
            return Err(CompileError::LongName(location));
        }
        nesting.add(kind, characters).ok_or(CompileError::TooDeep(location))?;
        most = most.max(nesting.operators);
    }
    let end = Location { line: source.lines().count().max(1), column: 1 };
    while nesting.open.len() > 1 {
        nesting.close().ok_or(CompileError::TooDeep(end))?;
    }
    nesting.close().ok_or(CompileError::TooDeep(end))?;
    Ok(Depth(most))
}

/// What a token is, as far as nesting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    /// `as`, or `else`: one more level of what stands before.
    Operator,
    /// `!` or `-`.
    Unary,
    /// `<=` or `>=`.
    CopyingOperator,
    Open,
    Close,
    /// `;`, `,`, or a word that begins a statement or a definition.
    Separator,
}

struct Token {
    kind: Kind,
    /// Including the space before it.
    characters: u64,
    location: Location,
}

/// The text since an opening bracket.
#[derive(Default)]
struct Group {
    characters: u64,
    /// Operators since the last separator.
    operators: usize,
    copies: bool,
}

/// The brackets that are open at a token.
struct Nesting {
    open: Vec<Group>,
    /// The operators of all open groups.
    operators: usize,
    /// The unary operators directly before.
    unary: usize,
}

impl Nesting {
    /// Adds a token; `None` if it nests too deeply.
    fn add(&mut self, kind: Kind, characters: u64) -> Option<()> {
        self.unary = if kind == Kind::Unary { self.unary + 1 } else { 0 };
        match kind {
            Kind::Open => self.open.push(Group::default()),
            Kind::Close => self.close()?,
            _ => {}
        }
        let group = self.open.last_mut()?;
        group.characters += characters;
        match kind {
            Kind::Separator => self.operators -= std::mem::take(&mut group.operators),
            Kind::Word => {}
            _ => {
                group.operators += 1;
                group.copies |= kind == Kind::CopyingOperator;
                self.operators += 1;
            }
        }
        let fits = self.open.len() <= MAX_DEPTH && self.unary <= MAX_DEPTH && self.operators <= MAX_OPERATORS;
        fits.then_some(())
    }

    /// Closes a bracket; `None` if comparisons copy what is in it too often.
    fn close(&mut self) -> Option<()> {
        let Some(group) = self.open.pop() else { return Some(()) };
        self.operators -= group.operators;
        let total = group.characters.saturating_mul(if group.copies { 2 } else { 1 });
        match self.open.last_mut() {
            Some(outer) => outer.characters = outer.characters.saturating_add(total),
            None => self.open.push(Group { characters: total, ..Group::default() }),
        }
        (total <= MAX_COPIES).then_some(())
    }
}

/// The tokens of a source: words and numbers, and other characters one by one. Comments and space are left
/// out.
struct Tokens<'s> {
    rest: &'s str,
    location: Location,
}

impl<'s> Tokens<'s> {
    const fn of(source: &'s str) -> Self {
        Self { rest: source, location: Location { line: 1, column: 1 } }
    }

    /// Takes this many bytes, and counts their lines.
    fn take(&mut self, bytes: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        for c in taken.chars() {
            match c {
                '\n' => self.location = Location { line: self.location.line + 1, column: 1 },
                _ => self.location.column += 1,
            }
        }
        taken
    }

    /// Skips space and comments; the number of characters.
    fn skip(&mut self) -> usize {
        let mut skipped = 0;
        loop {
            let trimmed = self.rest.trim_start();
            let space = self.rest.len() - trimmed.len();
            let bytes = match trimmed.get(..2) {
                Some("//") => trimmed.find('\n').unwrap_or(trimmed.len()),
                Some("/*") => end_of_comment(trimmed),
                _ if space == 0 => return skipped,
                _ => 0,
            };
            skipped += self.take(space + bytes).chars().count();
        }
    }
}

/// The length of a comment in `/* */`, which may contain others.
fn end_of_comment(text: &str) -> usize {
    let (mut level, mut at) = (0usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (level, at) = (level + 1, at + 2);
        } else if rest.starts_with("*/") {
            (level, at) = (level - 1, at + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if level == 0 {
            break;
        }
    }
    at
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let before = self.skip();
        let location = self.location;
        let first = self.rest.chars().next()?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let bytes = if is_word(first) {
            self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len())
        } else if matches!(
            self.rest.get(..2),
            Some("<=" | ">=" | "->" | "=>" | "==" | "!=" | "&&" | "||" | "::")
        ) {
            2
        } else {
            first.len_utf8()
        };
        let text = self.take(bytes);
        let kind = match text {
            "(" | "[" | "{" => Kind::Open,
            ")" | "]" | "}" => Kind::Close,
            ";" | "," | "let" | "for" | "fn" | "pub" => Kind::Separator,
            "!" | "-" => Kind::Unary,
            "<=" | ">=" => Kind::CopyingOperator,
            "as" | "else" => Kind::Operator,
            _ if is_word(first) => Kind::Word,
            _ => Kind::Operator,
        };
        Some(Token { kind, characters: (before + text.chars().count()) as u64, location })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Location {
        Location { line, column }
    }

    fn measure(source: &str) -> Result<(), CompileError> {
        super::measure(source).map(drop)
    }

    #[test]
    fn the_depth_is_that_of_the_deepest_place() {
        assert_eq!(super::measure("a + b; c * (d - e + f) << g"), Ok(Depth(4)));
    }

    #[test]
    fn each_bound_holds_exactly() {
        let nested = |n: usize| measure(&format!("{}x{}", "(".repeat(n), ")".repeat(n)));
        assert_eq!(nested(MAX_DEPTH - 1), Ok(()));
        assert_eq!(nested(MAX_DEPTH), Err(CompileError::TooDeep(at(1, MAX_DEPTH))));
        let unary = |n: usize| measure(&format!("{}x", "! ".repeat(n)));
        assert_eq!(unary(MAX_DEPTH), Ok(()));
        assert_eq!(unary(MAX_DEPTH + 1), Err(CompileError::TooDeep(at(1, 2 * MAX_DEPTH + 1))));
        let chain = |n: usize| measure(&format!("x\n{}", "+y\n".repeat(n)));
        assert_eq!(chain(MAX_OPERATORS), Ok(()));
        assert_eq!(chain(MAX_OPERATORS + 1), Err(CompileError::TooDeep(at(MAX_OPERATORS + 2, 1))));
        assert_eq!(measure(&"x ".repeat(MAX_TOKENS)), Ok(()));
        assert_eq!(
            measure(&".".repeat(MAX_TOKENS + 1)),
            Err(CompileError::TooDeep(at(1, MAX_OPERATORS + 1)))
        );
        assert_eq!(measure(&format!("{};", "x;".repeat(MAX_TOKENS / 2))), Err(CompileError::TooManyTokens));
        assert_eq!(measure(&"é".repeat(MAX_NAME)), Ok(()));
        assert_eq!(
            measure(&format!("\n {}", "é".repeat(MAX_NAME + 1))),
            Err(CompileError::LongName(at(2, 2)))
        );
        assert_eq!(measure(&" ".repeat(MAX_SOURCE)), Ok(()));
        assert_eq!(measure(&" ".repeat(MAX_SOURCE + 1)), Err(CompileError::TooLong(MAX_SOURCE + 1)));
    }

    #[test]
    fn operators_add_up_over_open_brackets_and_end_with_them() {
        let half = MAX_OPERATORS / 2;
        let around = |inner: usize| measure(&format!("x{} + (y{})", "+y".repeat(half), "+z".repeat(inner)));
        assert_eq!(around(half - 2), Ok(()));
        assert!(matches!(around(half - 1), Err(CompileError::TooDeep(_))));
        let apart = |between: &str| measure(&format!("(x{0}) {between} (y{0})", "+y".repeat(half + 1)));
        assert_eq!(apart("+"), Ok(()));
        let flat = |between: &str| measure(&format!("x{0}{between}y{0}", "+y".repeat(half + 1)));
        assert!(matches!(flat("+"), Err(CompileError::TooDeep(_))));
        for separator in [";", ",", " let ", " for ", " fn "] {
            assert_eq!(flat(separator), Ok(()));
        }
    }

    #[test]
    fn comments_are_no_tokens_and_copies_double() {
        let line = format!("// {}\nx", "-".repeat(100));
        let block = format!("/* {} /* (( */ ((( */ x", "!".repeat(100));
        assert_eq!((measure(&line), measure(&block)), (Ok(()), Ok(())));
        assert_eq!(measure("/* /* never closed"), Ok(()));
        let mut copies = "x".to_string();
        for _ in 0..25 {
            copies = format!("({copies} <= y)");
        }
        assert!(matches!(measure(&copies), Err(CompileError::TooDeep(_))));
        assert_eq!(measure(&copies.replace("<=", "<")), Ok(()));
    }
}
