#![no_main]
//! Any bytes for `fuzz::mw_unspent`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_unspent(data); });
