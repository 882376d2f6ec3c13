#![no_main]
//! Any bytes for `fuzz::mpc_bristol`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_bristol(data); });
