#![no_main]
//! Any bytes for `fuzz::link_piece`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::link_piece(data); });
