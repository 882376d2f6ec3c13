#![no_main]
//! Any bytes for `fuzz::mw_params`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_params(data); });
