#![no_main]
//! Any bytes for `sotto_fuzz::link_head`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::link_head(data); });
