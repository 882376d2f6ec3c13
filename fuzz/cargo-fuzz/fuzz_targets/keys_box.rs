#![no_main]
//! Runs `sotto_fuzz::keys_box` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::keys_box(data); });
