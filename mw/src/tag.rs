//! Every domain-separation label of the ledger, in one table.
//!
//! No two purposes share a label, and each label ends in the version of the bytes that follow it. A
//! signature, a hash or a proof made for one purpose is therefore meaningless for any other.

/// Chain id: the hash of the canonical genesis parameters.
pub const CHAIN_ID: &str = "sotto/chain-id/v1";
/// Derivation of H, the value generator.
pub const H: &str = "sotto/H/v1";
/// Message that a kernel's signature covers.
pub const KERNEL: &str = "sotto/kernel/v1";
/// Hash of a kernel's full bytes.
pub const KERNEL_ID: &str = "sotto/kernel-id/v1";
/// Hash of a block header.
pub const HEADER: &str = "sotto/header/v1";
/// Hash of a block's body.
pub const BODY: &str = "sotto/body/v1";
/// Message of a block's seal.
pub const SEAL: &str = "sotto/seal/v1";
/// Message of a validator's vote.
pub const VOTE: &str = "sotto/vote/v1";
/// Message of a proposer's signature.
pub const PROPOSAL: &str = "sotto/proposal/v1";
/// Message of a validator's proof of possession of its vote key.
pub const VALIDATOR: &str = "sotto/validator/v1";
/// Hash of a set of validators.
pub const VALIDATORS: &str = "sotto/validators/v1";
/// Draw of the proposer of a height and a round.
pub const PROPOSER: &str = "sotto/proposer/v1";
/// Hash of the terms of a height.
pub const TERMS: &str = "sotto/terms/v1";
/// Message of a change of the terms.
pub const CHANGE: &str = "sotto/change/v1";
/// Message of a proof of possession of a signing share.
pub const POSSESSION: &str = "sotto/pop/v1";
/// What T follows in the binding of an adaptor signature.
pub const ADAPTOR: &str = "sotto/adaptor/v1";
/// Message of a proof of possession of a part of a joint output.
pub const JOINT: &str = "sotto/joint/v1";
/// Prover scalars of a joint output.
pub const JOINT_NONCES: &[u8] = b"sotto/joint-nonces/v1";
/// Message of a proof of payment.
pub const PAYMENT: &str = "sotto/payment/v1";
/// Transcript of a range proof, which binds the whole output.
pub const OUTPUT: &[u8] = b"sotto/output/v1";
/// Prover scalars that the rewind key derives.
pub const REWIND: &[u8] = b"sotto/rewind/v1";
/// The two τ of a proof, which the rewind key cannot derive.
pub const TAU: &[u8] = b"sotto/tau/v1";
/// r_hi, the blinding factor of the high half of an audited output.
pub const BLINDING_HIGH: &[u8] = b"sotto/blinding-hi/v1";
/// Weights of a batch of proofs and signatures.
pub const BATCH: &[u8] = b"sotto/batch/v1";
/// Message of the sender's signature on a one-sided output.
pub const ONE_SIDED_OUTPUT: &str = "sotto/one-sided-output/v1";
/// Message of the signature of a one-sided input.
pub const ONE_SIDED_INPUT: &str = "sotto/one-sided-input/v1";
/// Factor of the output's key in that signature.
pub const ONE_SIDED_INPUT_KEY: &str = "sotto/one-sided-input-key/v1";
/// The fresh key of a one-sided input.
pub const ONE_SIDED_FRESH: &str = "sotto/one-sided-fresh/v1";
/// Hash of a sender's signature inside an unspent output.
pub const SENDER_SIGNATURE: &str = "sotto/rho/v1";
/// Message of a bond, which ties one-sided items to a kernel.
pub const BOND: &str = "sotto/bond/v1";
/// Leaf of the kernel mountain range.
pub const MMR_LEAF: &str = "sotto/mmr-leaf/v1";
/// Inner node of the kernel mountain range.
pub const MMR_NODE: &str = "sotto/mmr-node/v1";
/// Root of the kernel mountain range, with its leaf count.
pub const MMR_ROOT: &str = "sotto/mmr-root/v1";
/// Key of an output in the trie of unspent outputs.
pub const TRIE_KEY: &str = "sotto/trie-key/v1";
/// The empty trie.
pub const TRIE_EMPTY: &str = "sotto/trie-empty/v1";
/// Leaf of the trie.
pub const TRIE_LEAF: &str = "sotto/trie-leaf/v1";
/// Inner node of the trie.
pub const TRIE_NODE: &str = "sotto/trie-node/v1";
/// Root of the trie.
pub const TRIE_ROOT: &str = "sotto/trie-root/v1";
/// Leaf content of the trie: one unspent output.
pub const UNSPENT: &str = "sotto/unspent/v1";
/// One part of a range proof inside an unspent output.
pub const PROOF_PART: &str = "sotto/proof-part/v1";
