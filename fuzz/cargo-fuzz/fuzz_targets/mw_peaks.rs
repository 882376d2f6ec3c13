#![no_main]
//! Any bytes for `fuzz::mw_peaks`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_peaks(data); });
