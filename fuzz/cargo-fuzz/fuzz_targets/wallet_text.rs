#![no_main]
//! Any bytes for `fuzz::wallet_text`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_text(data); });
