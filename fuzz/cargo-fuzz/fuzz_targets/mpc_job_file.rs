#![no_main]
//! Any bytes for `fuzz::mpc_job_file`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_job_file(data); });
