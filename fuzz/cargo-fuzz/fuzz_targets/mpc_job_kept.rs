#![no_main]
//! Any bytes for `fuzz::mpc_job_kept`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_job_kept(data); });
