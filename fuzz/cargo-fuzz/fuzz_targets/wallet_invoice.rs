#![no_main]
//! Any bytes for `fuzz::wallet_invoice`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::wallet_invoice(data); });
