#![no_main]
//! Any bytes for `fuzz::mw_chunk`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_chunk(data); });
