#![no_main]
//! Any bytes for `fuzz::mw_kernel`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_kernel(data); });
