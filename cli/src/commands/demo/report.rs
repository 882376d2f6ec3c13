//! What the demo prints: titles, the lines that everyone sees, and details with `--verbose`.

use crate::{
    Context,
    exit::Outcome,
    ui::{BOLD, Volume},
};

/// Prints the title of a part.
pub(crate) fn title(context: &Context, name: &str, text: &str) -> Outcome {
    context.output.text(&format!("{BOLD}{name}{BOLD:#}  {text}"))
}

/// Prints one of the lines that everyone sees.
pub(crate) fn line(context: &Context, label: &str, text: &str) -> Outcome {
    context.output.text(&format!("  {label:9} {text}"))
}

/// Prints what only `--verbose` shows.
pub(crate) fn detail(context: &Context, text: &str) -> Outcome {
    if context.ui.volume == Volume::Verbose { context.output.text(text) } else { Ok(()) }
}
