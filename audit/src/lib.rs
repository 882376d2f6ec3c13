#![doc = include_str!("../README.md")]

// The order of the layers: an import goes only downward, to a module above it in this list.
mod tag;

pub mod charter;

pub mod request;

pub mod record;

pub mod letter;

pub mod opened;

pub use charter::{Charter, CharterError, CharterTerms};
pub use letter::{RequestFault, RequestLetter};
pub use opened::OpenedRequest;
pub use record::{AnswerRecord, RecordedAnswer};
pub use request::{Matter, OutputPlace, ReadRequest, RequestError, case_name};
