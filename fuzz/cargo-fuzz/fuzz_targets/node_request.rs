#![no_main]
//! Any bytes for `fuzz::node_request`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::node_request(data); });
