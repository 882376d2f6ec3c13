#![no_main]
//! Any bytes for `sotto_fuzz::wallet_invite`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::wallet_invite(data); });
