#![no_main]
//! Any bytes for `fuzz::wallet_contents`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_contents(data); });
