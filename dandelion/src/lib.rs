#![doc = include_str!("../README.md")]

mod id;

pub mod params;

mod draw;

mod embargo;
mod epoch;
mod relay_queue;
mod stempool;

mod relay;

pub mod simulate;

pub use id::Id;
pub use params::{Params, ParamsError};
pub use relay::{Effect, Event, Reason, Relay};
