//! Functionalities whose gates are data: compiled from a source in the Garble language, or read from a
//! circuit file.

mod assigned;
mod bristol;
mod garble;

pub(crate) use assigned::{AssignedCircuit, Reading};
pub use bristol::{BristolFunctionality, BristolFunctionalityError};
pub use garble::{GarbleError, GarbleFunctionality, GarbleOptions};
