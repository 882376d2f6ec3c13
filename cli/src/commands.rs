//! One file per noun.

pub(crate) mod audit;
pub(crate) mod chain;
pub(crate) mod config;
pub(crate) mod dandelion;
pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod mpc;
pub(crate) mod net;
pub(crate) mod node;
pub(crate) mod sale;
pub(crate) mod speed;
pub(crate) mod tee;
pub(crate) mod wallet;
