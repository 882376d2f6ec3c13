//! Benchmarks live in `benches/benches/`; run one with `cargo bench -p benches --bench ledger`.
