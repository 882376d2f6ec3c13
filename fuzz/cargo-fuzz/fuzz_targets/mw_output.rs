#![no_main]
//! Any bytes for `fuzz::mw_output`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_output(data); });
