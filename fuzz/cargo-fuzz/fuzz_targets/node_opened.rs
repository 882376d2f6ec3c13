#![no_main]
//! Runs `sotto_fuzz::node_opened` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::node_opened(data); });
