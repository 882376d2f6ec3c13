#![no_main]
//! Any bytes for `fuzz::wallet_invite`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_invite(data); });
