#![no_main]
//! Any bytes for `fuzz::node_message`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::node_message(data); });
