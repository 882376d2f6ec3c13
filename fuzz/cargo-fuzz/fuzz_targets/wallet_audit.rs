#![no_main]
//! Runs `sotto_fuzz::wallet_audit` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::wallet_audit(data); });
