#![no_main]
//! Any bytes for `fuzz::mw_field`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_field(data); });
