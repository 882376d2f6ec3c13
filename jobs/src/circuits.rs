//! Circuits whose input values belong to owners: what sources in the Garble language and circuit files become.

mod bristol;
mod garble;
mod owned;

pub use bristol::{JointBristol, JointBristolError};
pub use garble::{Compiled, GarbleError, Options};
