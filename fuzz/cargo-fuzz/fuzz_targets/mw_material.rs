#![no_main]
//! Any bytes for `fuzz::mw_material`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_material(data); });
