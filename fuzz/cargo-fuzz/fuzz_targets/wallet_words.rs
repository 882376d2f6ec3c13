#![no_main]
//! Any bytes for `fuzz::wallet_words`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_words(data); });
