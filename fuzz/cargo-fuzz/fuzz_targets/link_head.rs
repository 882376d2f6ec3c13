#![no_main]
//! Any bytes for `fuzz::link_head`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::link_head(data); });
