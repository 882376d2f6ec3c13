//! Log records of a node go to standard error, as text or as JSON.

use crate::{args::LogFormat, ui::Volume};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging.
pub(crate) fn start(volume: Volume, form: LogFormat, with_addresses: bool) {
    let level = match volume {
        Volume::Quiet => LevelFilter::ERROR,
        Volume::Normal => LevelFilter::INFO,
        Volume::Verbose => LevelFilter::DEBUG,
    };
    let addresses = if with_addresses { level } else { LevelFilter::OFF };
    // Only our own records: those of libraries may contain addresses.
    let ours = Targets::new().with_targets([("sotto_node", level), ("sotto", level)]);
    let ours = ours.with_target(sotto_node::edge::log::ADDRESSES, addresses);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    let registry = tracing_subscriber::registry().with(ours);
    // An error means that logging has started already.
    let _ = match form {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}
