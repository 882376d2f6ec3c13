//! The parser and type checker of the Garble language, run within limits.
//!
//! They recurse on the source and were not written for hostile sources. So the source is checked first: its
//! length, the depth of its brackets, and how often `<=` and `>=` would copy their operands, because the
//! parser turns `x <= y` into `x < y | x == y`. They run on a thread with a large stack, and a panic there
//! becomes an error.

use garble_lang::TypedProgram;

use super::error::{CompileError, Location, MAX_SOURCE, invalid};

/// The deepest nesting of brackets.
const MAX_DEPTH: usize = 64;

/// The largest size of a source, in characters, after comparisons have copied their operands.
const MAX_COPIES: u64 = 1 << 22;

/// The size, in bytes, of the stack on which a source is parsed and lowered.
const STACK: usize = 512 << 20;

/// Runs `read` on a stack that is large enough for recursion on a source.
pub(super) fn on_deep_stack<T: Send>(
    read: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
        let thread = thread.map_err(|_| CompileError::Crashed)?;
        thread.join().unwrap_or(Err(CompileError::Crashed))
    })
}

/// Parses and type-checks a source.
pub(super) fn check(source: &str) -> Result<TypedProgram, CompileError> {
    if source.len() > MAX_SOURCE {
        return Err(CompileError::TooLong(source.len()));
    }
    measure(source)?;
    garble_lang::check(source).map_err(|error| invalid(&error))
}

/// The text since an opening bracket.
#[derive(Default)]
struct Group {
    characters: u64,
    copies: bool,
}

/// Refuses brackets that are nested too deeply, or that comparisons copy too often.
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
