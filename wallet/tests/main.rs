//! The tests of the whole crate, as one program: what they share is compiled once.

mod armor;
mod audited;
mod checkpoint;
mod embedding;
mod file;
mod follow;
mod group_wallet;
mod groups;
mod holds;
mod installation;
mod invoices;
mod levels;
mod listener;
mod messages;
mod model;
mod one_sided;
mod payments;
mod proofs;
mod reading;
mod restore;
mod self_transfers;
mod slates;
mod states;
mod support;
mod view;
mod wire;
