//! Where a node's log records go: standard error, as lines for people or as JSON.

use crate::{args::LogFormat, ui::Volume};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Sends records on their way from now on.
pub(super) fn start(volume: Volume, form: LogFormat, with_addresses: bool) {
    let level = match volume {
        Volume::Quiet => LevelFilter::ERROR,
        Volume::Normal => LevelFilter::INFO,
        Volume::Verbose => LevelFilter::DEBUG,
    };
    let addresses = if with_addresses { level } else { LevelFilter::OFF };
    // Ours alone: what libraries say may name anybody.
    let ours = Targets::new().with_targets([("sotto_node", level), ("sotto", level)]);
    let ours = ours.with_target(sotto_node::edge::log::ADDRESSES, addresses);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    let registry = tracing_subscriber::registry().with(ours);
    // A second start in one process would keep the first.
    let _ = match form {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}
