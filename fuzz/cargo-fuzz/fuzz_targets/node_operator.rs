#![no_main]
//! Any bytes for `fuzz::node_operator`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::node_operator(data); });
