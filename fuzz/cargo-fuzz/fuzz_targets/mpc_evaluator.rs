#![no_main]
//! Any bytes for `fuzz::mpc_evaluator`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_evaluator(data); });
