//! Circuits whose input values belong to input parties: what sources in the Garble language and circuit files
//! become.

mod assigned;
mod bristol;
mod garble;

pub use bristol::{BristolFunctionality, BristolFunctionalityError};
pub use garble::{GarbleError, GarbleFunctionality, GarbleOptions};
