//! What a run says on standard error while it goes on.

use crate::{Context, ui::Progress};
use sotto_jobs::Job;
use sotto_jobs::edge::run::Stage;
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    sync::Mutex,
    time::{Duration, Instant},
};

/// How often the same trouble is named, and progress without a bar.
const INTERVAL: Duration = Duration::from_secs(30);

/// Prints each stage once, trouble at intervals, and the progress of the joint computation: a bar on a terminal,
/// else a line at intervals.
pub(super) struct Screen<'c> {
    context: &'c Context,
    gates: u64,
    /// Bytes that pass until all of them are computed.
    bytes: u64,
    shown: Mutex<OnScreen>,
}

/// What was shown last.
#[derive(Default)]
struct OnScreen {
    stage: Option<Stage>,
    bar: Option<Progress>,
    progress: Option<Instant>,
    /// When the attempt began.
    begun: Option<Instant>,
    trouble: BTreeMap<String, (String, Instant)>,
}

impl OnScreen {
    /// Whether the trouble with a party is new, or was named long ago.
    fn is_due(&mut self, party: &str, why: &str) -> bool {
        let before = self.trouble.get(party);
        let is_due = before.is_none_or(|(text, at)| text != why || at.elapsed() >= INTERVAL);
        if is_due {
            self.trouble.insert(party.to_owned(), (why.to_owned(), Instant::now()));
        }
        is_due
    }
}

impl<'c> Screen<'c> {
    pub(super) fn new(context: &'c Context, job: &Job) -> Self {
        let gates = job.program.and_gates;
        // The table of a gate has 32 bytes; all other messages are small or come first. Against a malicious
        // compute party, gates are prepared and computed chunk by chunk.
        let bytes = job.malicious().map_or(32 * gates, |settings| {
            let cost = settings.cost(gates);
            cost.garbler_bytes + cost.evaluator_bytes
        });
        Self { context, gates, bytes, shown: Mutex::default() }
    }

    fn passed(&self, shown: &mut OnScreen, bytes: u64) {
        let share = bytes as f64 / self.bytes.max(1) as f64;
        let gates = ((share * self.gates as f64) as u64).min(self.gates);
        if let Some(bar) = &shown.bar {
            bar.at(gates);
        }
        let is_due = shown.progress.is_some_and(|at| at.elapsed() >= INTERVAL);
        if is_due && !io::stderr().is_terminal() {
            shown.progress = Some(Instant::now());
            let left = shown.begun.map_or_else(String::new, |at| time_left(at.elapsed(), share));
            self.context.ui.info(&format!("Computed {gates} of {} AND gates{left}.", self.gates));
        }
    }

    pub(super) fn show(&self, stage: Stage) {
        let Ok(mut shown) = self.shown.lock() else { return };
        let text = match &stage {
            Stage::Passed(bytes) => return self.passed(&mut shown, *bytes),
            Stage::Finished(_) => return,
            Stage::Unreachable { party, why } => {
                if shown.is_due(party, why) {
                    self.context.ui.info(&format!("{party}: {why}; trying again until the deadline."));
                }
                return;
            }
            stage if shown.stage.as_ref() == Some(stage) => return,
            Stage::Waiting(names) => format!("Waiting for {}.", names.join(", ")),
            Stage::Attested { party, verdict } => format!("The evidence of {party} is accepted: {verdict}."),
            Stage::Delivered(party) => format!("{party} has our encrypted input share."),
            Stage::Attempt(attempt) => format!("Computing jointly (attempt {attempt})."),
            Stage::Failed(why) => format!("The attempt failed: {why}."),
            Stage::Signed => "Computed, and signed by both compute parties.".to_owned(),
            Stage::Serving(left) if left.is_empty() => return,
            Stage::Serving(left) => format!("Delivering the results. Not fetched yet: {}.", left.join(", ")),
            Stage::Stopped => "The run has stopped. Telling the other parties.".to_owned(),
        };
        // Remove the bar of the stage before.
        (shown.bar, shown.progress) = (None, None);
        self.context.ui.info(&text);
        if matches!(stage, Stage::Attempt(_)) {
            shown.bar = Some(self.context.ui.bar(self.gates, "computing jointly"));
            shown.progress = Some(Instant::now());
            shown.begun = shown.progress;
        }
        shown.stage = Some(stage);
    }
}

/// The time that the rest takes if it goes on like this, in words; nothing before there is something to go by.
fn time_left(passed: Duration, share: f64) -> String {
    if share < 0.01 {
        return String::new();
    }
    let left = (passed.as_secs_f64() * (1.0 - share).max(0.0) / share).ceil();
    if left < 120.0 {
        format!("; about {left} s left")
    } else {
        format!("; about {} min left", (left / 60.0).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_share_that_is_done() {
        let left = |seconds, share| time_left(Duration::from_secs(seconds), share);
        assert_eq!(left(30, 0.001), "");
        assert_eq!(left(30, 0.5), "; about 30 s left");
        assert_eq!(left(30, 0.25), "; about 90 s left");
        assert_eq!(left(60, 0.1), "; about 9 min left");
        assert_eq!(left(60, 1.2), "; about 0 s left");
    }
}
