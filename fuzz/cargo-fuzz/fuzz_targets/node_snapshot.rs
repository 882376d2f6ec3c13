#![no_main]
//! Any bytes for `fuzz::node_snapshot`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::node_snapshot(data); });
