#![no_main]
//! Any bytes for `fuzz::wallet_address`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_address(data); });
