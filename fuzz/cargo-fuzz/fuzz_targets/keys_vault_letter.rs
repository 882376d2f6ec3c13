#![no_main]
//! Runs `sotto_fuzz::keys_vault_letter` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::keys_vault_letter(data); });
