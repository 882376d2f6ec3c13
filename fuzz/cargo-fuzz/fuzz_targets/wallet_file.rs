#![no_main]
//! Any bytes for `fuzz::wallet_file`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_file(data); });
