//! Built-in functionalities, each with a name, a version and parameters. [`Builtin`] finds them by name.

pub mod auc;
mod auction;
mod builtin;
mod join_count;
mod limits;
mod logistic;
mod sum_by_group;
mod top_k;
mod welch;

pub use auction::Auction;
pub use builtin::Builtin;
pub use join_count::JoinCount;
pub use logistic::Logistic;
pub use sum_by_group::SumByGroup;
pub use top_k::TopK;
pub use welch::Welch;
