#![no_main]
//! Runs `sotto_fuzz::mw_trie_proof` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mw_trie_proof(data); });
