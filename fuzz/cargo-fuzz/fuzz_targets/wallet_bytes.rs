#![no_main]
//! Any bytes for `sotto_fuzz::wallet_bytes`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::wallet_bytes(data); });
