#![no_main]
//! Any bytes for `fuzz::mpc_table`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_table(data); });
