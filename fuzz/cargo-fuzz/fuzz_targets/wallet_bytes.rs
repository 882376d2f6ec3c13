#![no_main]
//! Any bytes for `fuzz::wallet_bytes`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_bytes(data); });
