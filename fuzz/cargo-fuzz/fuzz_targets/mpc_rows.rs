#![no_main]
//! Any bytes for `fuzz::mpc_rows`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_rows(data); });
