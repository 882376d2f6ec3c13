//! Functionalities whose gates are data: compiled from a source in the Garble language, or read from a
//! circuit file.

mod assigned;
mod bristol;
mod disclosure;
mod garble;

pub(crate) use assigned::{AssignedCircuit, Reading};
pub use bristol::{BristolFunctionality, BristolFunctionalityError};
pub(crate) use disclosure::{Disclosure, DisclosureError, is_array, is_named};
pub use garble::{GarbleError, GarbleFunctionality, GarbleOptions};
