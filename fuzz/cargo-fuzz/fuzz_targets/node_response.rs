#![no_main]
//! Any bytes for `fuzz::node_response`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::node_response(data); });
