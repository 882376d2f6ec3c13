//! The parser and type checker of the Garble language, kept within bounds.
//!
//! They recurse on the source and were not written against hostile ones, so before they run the source is measured: its
//! length, the depth of its brackets, and how often `<=` and `>=` would copy their operands (the parser turns `x <= y`
//! into `x < y | x == y`). They run on a thread with a deep stack, and a panic there is an error here.

use garble_lang::TypedProgram;

use super::error::{CompileError, Location, MAX_SOURCE, invalid};

/// Brackets within brackets.
const MAX_DEPTH: usize = 64;

/// Characters of a source after comparisons have copied their operands.
const MAX_COPIES: u64 = 1 << 22;

/// Bytes of the stack on which a source is read and lowered.
const STACK: usize = 512 << 20;

/// Runs `read` where recursion on a source is safe.
pub(super) fn on_deep_stack<T: Send>(
    read: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
        let thread = thread.map_err(|_| CompileError::Crashed)?;
        thread.join().unwrap_or(Err(CompileError::Crashed))
    })
}

/// The checked program.
pub(super) fn check(source: &str) -> Result<TypedProgram, CompileError> {
    if source.len() > MAX_SOURCE {
        return Err(CompileError::TooLong(source.len()));
    }
    measure(source)?;
    garble_lang::check(source).map_err(|error| invalid(&error))
}

/// What is between two brackets so far.
#[derive(Default)]
struct Group {
    characters: u64,
    copies: bool,
}

/// Refuses brackets that are too deep, or that comparisons copy too often.
fn measure(source: &str) -> Result<(), CompileError> {
    let (mut open, mut location) = (vec![Group::default()], Location { line: 1, column: 0 });
    let mut before = ' ';
    let close = |open: &mut Vec<Group>, location| {
        let Some(group) = open.pop() else { return Ok(()) };
        let total = group.characters.saturating_mul(if group.copies { 2 } else { 1 });
        match open.last_mut() {
            Some(outer) => outer.characters = outer.characters.saturating_add(total),
            None => open.push(Group { characters: total, copies: false }),
        }
        if total > MAX_COPIES { Err(CompileError::TooDeep(location)) } else { Ok(()) }
    };
    for c in source.chars() {
        match c {
            '\n' => location = Location { line: location.line + 1, column: 0 },
            _ => location.column += 1,
        }
        match c {
            '(' | '[' | '{' => open.push(Group::default()),
            ')' | ']' | '}' => close(&mut open, location)?,
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return Err(CompileError::TooDeep(location));
        }
        if let Some(group) = open.last_mut() {
            group.characters += 1;
            group.copies |= c == '=' && matches!(before, '<' | '>');
        }
        before = c;
    }
    while open.len() > 1 {
        close(&mut open, location)?;
    }
    close(&mut open, location)
}
