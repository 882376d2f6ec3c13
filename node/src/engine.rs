//! The engine: what the node decides, as values; no file, socket, clock or hidden random source.

pub mod evidence;
pub mod fork;
pub mod pool;
pub mod pruned;
