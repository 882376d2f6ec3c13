#![no_main]
//! Runs `sotto_fuzz::mpc_offer` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(init: sotto_fuzz::serve_if_child(), |data: &[u8]| { sotto_fuzz::mpc_offer(data); });
