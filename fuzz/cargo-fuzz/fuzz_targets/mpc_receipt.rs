#![no_main]
//! Any bytes for `fuzz::mpc_receipt`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_receipt(data); });
