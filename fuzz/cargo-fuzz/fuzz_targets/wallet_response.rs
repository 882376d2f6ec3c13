#![no_main]
//! Any bytes for `fuzz::wallet_response`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_response(data); });
