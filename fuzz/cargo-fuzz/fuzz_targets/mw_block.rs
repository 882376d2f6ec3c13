#![no_main]
//! Any bytes for `fuzz::mw_block`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_block(data); });
