//! Sessions between nodes over tokio.

mod certificate;
mod client;
mod http;
pub(crate) mod memory;
mod proof;
pub(crate) mod server;
pub(crate) mod session;
#[cfg(test)]
mod tests;
