#![no_main]
//! Any bytes for `sotto_fuzz::mw_header`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mw_header(data); });
