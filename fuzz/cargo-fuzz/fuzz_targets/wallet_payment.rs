#![no_main]
//! Any bytes for `fuzz::wallet_payment`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_payment(data); });
