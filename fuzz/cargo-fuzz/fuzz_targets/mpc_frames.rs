#![no_main]
//! Any bytes for `fuzz::mpc_frames`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_frames(data); });
