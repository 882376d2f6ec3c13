#![no_main]
//! Any bytes for `fuzz::mpc_bristol_fashion`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_bristol_fashion(data); });
