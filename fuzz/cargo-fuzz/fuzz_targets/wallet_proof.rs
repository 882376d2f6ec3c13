#![no_main]
//! Any bytes for `fuzz::wallet_proof`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_proof(data); });
