#![no_main]
//! Any bytes for `fuzz::mw_rules`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_rules(data); });
