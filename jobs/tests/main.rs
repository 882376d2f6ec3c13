//! The tests of the whole crate, as one program: what they share is compiled once.

mod agreement;
mod attempt;
mod attestation;
mod auc;
mod builtins;
mod buying;
mod checks;
mod columns;
mod compiler;
mod computers;
mod disclosure;
mod gallery;
mod inputs;
mod language;
mod locks;
mod malicious;
mod multiparty;
mod offers;
mod rules;
mod run;
mod run_state;
mod sales;
mod settlement;
mod support;
mod tls;
