//! Building blocks of programs: arithmetic, comparison, sorting, AES and SHA-256 in few AND gates.
//!
//! Gadgets work on [`Words`]: any number of words of one width in lock-step. Each step is then one slice of
//! AND gates, which keeps the processor busy. A single word is the case of one lane. Gadgets are methods of
//! traits that every interpreter of [`Fancy`](crate::Fancy) implements; bring the traits into scope to use
//! them.
//!
//! ```
//! use sotto_mpc::gadgets::{Arithmetic, Comparison};
//! use sotto_mpc::{Bits, Plain, Words};
//!
//! let word = |n: u128| Words::single(&Bits::from_number(n, 16).iter().collect::<Vec<_>>());
//! let sum = Plain.add(&word(300), &word(41))?;
//! assert_eq!(sum, word(341));
//! assert_eq!(Plain.greater(&sum, &word(340))?, [true]);
//! # Ok::<(), std::convert::Infallible>(())
//! ```
//!
//! Gate counts below are AND gates for one lane of width `w`. Operations on public constants cost nothing
//! where a gadget takes the constant as a number.

mod aes;
mod arithmetic;
mod carry_save;
mod comparison;
mod division;
mod fixed_point;
pub(crate) mod network;
mod root;
mod selection;
mod sha256;
mod sorting;
mod words;

pub use aes::Aes;
pub use arithmetic::Arithmetic;
pub use carry_save::CarrySaveAdder;
pub use comparison::Comparison;
pub use division::Division;
pub use fixed_point::FixedPoint;
pub use root::Root;
pub use selection::Selection;
pub use sha256::Sha256;
pub use sorting::Sorting;
pub use words::Words;
