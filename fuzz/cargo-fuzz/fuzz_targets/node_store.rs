#![no_main]
//! Any bytes for `sotto_fuzz::node_store`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::node_store(data); });
