#![no_main]
//! Any bytes for `fuzz::wallet_slates`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_slates(data); });
