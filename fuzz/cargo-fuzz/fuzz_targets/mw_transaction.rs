#![no_main]
//! Any bytes for `fuzz::mw_transaction`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_transaction(data); });
