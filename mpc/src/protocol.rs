//! Protocols between parties. So far one: two parties who follow the rules, [`semi_honest`].

pub mod semi_honest;
