#![no_main]
//! Any bytes for `sotto_fuzz::mw_kernel`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mw_kernel(data); });
