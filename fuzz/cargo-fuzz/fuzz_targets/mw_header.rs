#![no_main]
//! Any bytes for `fuzz::mw_header`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_header(data); });
