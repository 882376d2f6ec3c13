//! Building blocks of programs: arithmetic and comparison of words, in as few AND gates as known.
//!
//! All gadgets work on [`Words`]: `k` numbers of one width in lock-step, so that each step is one slice of
//! `k` AND gates and the processor is kept busy. One number is `k = 1`. They are methods that every
//! interpreter of [`Fancy`](crate::Fancy) has; bring the traits into scope.
//!
//! Counts below are AND gates for one lane of width `w`. Known constants cost nothing: gadgets fold them.

mod aes;
mod arithmetic;
mod carry_save;
mod comparison;
mod division;
mod fixed_point;
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
