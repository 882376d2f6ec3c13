#![no_main]
//! Any bytes for `fuzz::node_store`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::node_store(data); });
