//! Sessions between nodes over tokio.

mod certificate;
mod client;
mod http;
mod proof;
pub(crate) mod server;
pub(crate) mod session;
#[cfg(test)]
mod tests;
