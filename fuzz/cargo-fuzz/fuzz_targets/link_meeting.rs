#![no_main]
//! Any bytes for `fuzz::link_meeting`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::link_meeting(data); });
