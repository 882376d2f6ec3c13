#![no_main]
//! Any bytes for `fuzz::mpc_budget`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_budget(data); });
