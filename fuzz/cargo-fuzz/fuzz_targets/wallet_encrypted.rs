#![no_main]
//! Any bytes for `fuzz::wallet_encrypted`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_encrypted(data); });
