//! The results of the methods. An absent value is `null`, so every result has all its fields.

use crate::{
    consensus::Activity,
    effect::{EvidenceStatus, KernelProof, PeerStatus, Response, Status, ValidatorStatus},
    ledger::opened::OpenedAt,
    message::BlockName,
    peer::DialFailure,
    rpc::{Fault, Hex},
};
use serde::{Deserialize, Serialize};
use sotto_audit::OpenedRequest;
use sotto_mw::{
    amount::Height,
    block::{Block, SealedHeader},
    chain::{Chain, ChainId, Params},
    hash::Hash,
    history::TermsChange,
    kernel::Kernel,
    mmr::MmrProof,
    schnorr::PublicKey,
    state::{RewindData, Unspent},
    terms::SignedChange,
    trie::{ChunkProof, TrieProof},
};

macro_rules! records {
    ($($(#[$doc:meta])* $Record:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Record { $($(#[$fdoc])* pub $field: $ty),* }
    )*};
}

records! {
    /// The height and hash of a block.
    TipRecord {
        /// Its height.
        height: u64,
        /// Its header's hash.
        hash: Hex<Hash>,
    }

    /// The node's chain.
    ChainRecord {
        /// The hash of the parameters.
        chain_id: Hex<ChainId>,
        /// `main`, `test` or `solo`.
        network: String,
        /// The genesis parameters.
        parameters: Hex<Params>,
    }

    /// The node's status.
    StatusRecord {
        /// Its last block.
        tip: TipRecord,
        /// The time of that block, in seconds since 1970.
        time: u64,
        /// The height of the best sealed block that the node knows of.
        best: u64,
        /// Unspent outputs.
        unspent: u64,
        /// Kernels.
        kernels: u64,
        /// Transactions in the mempool.
        pending: u64,
        /// The weight of the mempool.
        pending_weight: u64,
        /// Connections that the node opened.
        outbound: u64,
        /// Connections that peers opened.
        inbound: u64,
        /// Addresses in the address book.
        addresses: u64,
        /// The node's own Ed25519 key.
        key: Hex<Hash>,
        /// Where the node accepts connections, if it does.
        listen: Option<String>,
        /// Transactions in the stem phase: known to this node and not public.
        stems: u64,
        /// Addresses that could not be connected lately, the latest first.
        dial_failures: Vec<DialFailureRecord>,
        /// The first height under rules that the node does not know, if one is announced: it stops before.
        unknown_rules: Option<u64>,
        /// What its own validator does; null unless it votes.
        validator: Option<ValidatorRecord>,
        /// The last validator that signed two different things at one position; null if none did.
        evidence: Option<EvidenceRecord>,
        /// The highest checkpoint that the node was given; null if none.
        checkpoint: Option<CheckpointRecord>,
    }

    /// A block that the chain must have.
    CheckpointRecord {
        /// Its height.
        height: u64,
        /// Its header's hash.
        hash: Hex<Hash>,
        /// Whether the node's chain has it.
        reached: bool,
        /// The block that a peer showed last in place of a checkpoint's.
        refused: Option<TipRecord>,
    }

    /// The node keeps the request, and gives it to its peers.
    KeptRecord {}

    /// Requests that auditors handed out, in the order of their notices.
    OpenedRecord {
        /// The requests.
        requests: Vec<OpenedAtRecord>,
    }

    /// A request that auditors handed out.
    OpenedAtRecord {
        /// The height of the block with its notice.
        height: u64,
        /// The request, with its charter.
        request: Hex<OpenedRequest>,
    }

    /// A validator that signed two different things at one position.
    EvidenceRecord {
        /// Its vote key.
        vote_key: Hex<PublicKey>,
        /// Its name, if the node knows the validators of that height.
        name: Option<String>,
        /// The height.
        height: u64,
        /// The round.
        round: u64,
        /// `proposal`, `prevote` or `precommit`.
        kind: String,
        /// How many such cases the node keeps, one of each validator and height.
        kept: u64,
    }

    /// What a validator does.
    ValidatorRecord {
        /// `starting`, `waiting`, `voting`, `committing`, `following` or `stopped`.
        state: String,
        /// The height at which it is.
        height: Option<u64>,
        /// The round, while it votes.
        round: Option<u64>,
        /// The names of the validators that it has no connection with.
        missing: Vec<String>,
    }

    /// An address that could not be connected.
    DialFailureRecord {
        /// IP address and port.
        address: String,
        /// The Ed25519 key that was expected there.
        key: Hex<Hash>,
        /// `refused`, `unreachable`, `key differs`, `other chain`, `timed out` or `broken`.
        why: String,
        /// How many attempts in a row have failed.
        times: u64,
        /// Seconds until the next attempt.
        retry_seconds: u64,
    }

    /// A connected peer.
    PeerRecord {
        /// IP address and port.
        address: String,
        /// Its Ed25519 key.
        key: Hex<Hash>,
        /// Whether this node opened the connection.
        outbound: bool,
        /// The peer's last block, as its sealed header shows.
        tip: Option<TipRecord>,
    }

    /// The connected peers.
    PeersRecord {
        /// The peers.
        peers: Vec<PeerRecord>,
    }

    /// The accepted transaction.
    SubmittedRecord {
        /// Its id.
        id: Hex<Hash>,
    }

    /// The change waits for a block.
    ChangeRecord {}

    /// The changes of the terms.
    TermsRecord {
        /// The headers at which the terms change, each with its seal and the terms of the next height.
        changes: Vec<Hex<TermsChange>>,
        /// The changes that wait for a block.
        pending: Vec<Hex<SignedChange>>,
    }

    /// A block.
    BlockRecord {
        /// The block; `null` if there is none at that height, or its body was pruned.
        block: Option<Hex<Block>>,
    }

    /// A header.
    HeaderRecord {
        /// Header and seal; `null` for the genesis, which has no seal, and above the tip.
        header: Option<Hex<SealedHeader>>,
    }

    /// Headers.
    HeadersRecord {
        /// Headers and seals, ascending.
        headers: Vec<Hex<SealedHeader>>,
    }

    /// An unspent output or its absence.
    OutputRecord {
        /// The output; `null` if it is not unspent.
        unspent: Option<Hex<Unspent>>,
        /// The proof of its presence or absence.
        proof: Hex<TrieProof>,
        /// The block with the proof's root.
        tip: TipRecord,
    }

    /// A kernel, or that the node reports none; absence cannot be proved.
    KernelRecord {
        /// The kernel; `null` if there is none.
        found: Option<FoundRecord>,
    }

    /// A kernel in the chain.
    FoundRecord {
        /// The height of its block.
        height: u64,
        /// The kernel.
        kernel: Hex<Kernel>,
        /// Its position among all kernels.
        place: u64,
        /// The proof of its position.
        path: Hex<MmrProof>,
        /// The block with the proof's root.
        tip: TipRecord,
    }

    /// All unspent outputs under a prefix.
    UnspentRecord {
        /// Their data for a scan, in the order of their keys.
        outputs: Vec<Hex<RewindData>>,
        /// The proof that they are complete.
        proof: Hex<ChunkProof>,
        /// The block with the proof's root.
        tip: TipRecord,
    }

    /// The node stops.
    StoppedRecord {}
}

impl TipRecord {
    /// The block's height and hash.
    #[must_use]
    pub const fn name(&self) -> BlockName {
        BlockName { height: Height::new(self.height), hash: self.hash.0 }
    }
}

impl From<BlockName> for TipRecord {
    fn from(b: BlockName) -> Self {
        Self { height: b.height.get(), hash: Hex(b.hash) }
    }
}

impl From<&Chain> for ChainRecord {
    fn from(chain: &Chain) -> Self {
        let params = chain.params();
        Self {
            chain_id: Hex(*chain.id()),
            network: params.network.to_string(),
            parameters: Hex(params.clone()),
        }
    }
}

impl From<Status> for StatusRecord {
    fn from(s: Status) -> Self {
        Self {
            tip: s.tip.into(),
            time: s.time,
            best: s.best.get(),
            unspent: s.unspent,
            kernels: s.kernels,
            pending: s.pending as u64,
            pending_weight: s.pending_weight,
            outbound: s.connections.0 as u64,
            inbound: s.connections.1 as u64,
            addresses: s.addresses as u64,
            key: Hex(Hash::from_bytes(s.key.0)),
            listen: s.listen.map(|at| at.to_string()),
            stems: s.stems as u64,
            dial_failures: s.dial_failures.into_iter().map(Into::into).collect(),
            unknown_rules: s.unknown_rules.map(Height::get),
            validator: s.validator.map(Into::into),
            evidence: s.evidence.map(Into::into),
            checkpoint: s.checkpoint.map(|(at, refused)| CheckpointRecord {
                height: at.height.get(),
                hash: Hex(at.hash),
                reached: at.height <= s.tip.height,
                refused: refused.map(Into::into),
            }),
        }
    }
}

impl From<(usize, EvidenceStatus)> for EvidenceRecord {
    fn from((kept, EvidenceStatus { vote_key, name, place }): (usize, EvidenceStatus)) -> Self {
        Self {
            vote_key: Hex(vote_key),
            name,
            height: place.height.get(),
            round: place.round.into(),
            kind: place.kind().into(),
            kept: kept as u64,
        }
    }
}

impl From<ValidatorStatus> for ValidatorRecord {
    fn from(s: ValidatorStatus) -> Self {
        let (state, height, round) = match s.activity {
            Activity::Starting => ("starting", None, None),
            Activity::Waiting(height) => ("waiting", Some(height), None),
            Activity::Voting(height, round) => ("voting", Some(height), Some(round.into())),
            Activity::Committing(height) => ("committing", Some(height), None),
            Activity::Following(height, _) => ("following", Some(height), None),
            Activity::Stopped => ("stopped", None, None),
        };
        Self { state: state.to_owned(), height: height.map(Height::get), round, missing: s.missing }
    }
}

impl From<DialFailure> for DialFailureRecord {
    fn from(f: DialFailure) -> Self {
        Self {
            address: f.address.at.to_string(),
            key: Hex(Hash::from_bytes(f.address.key.0)),
            why: f.why.name().to_owned(),
            times: f.times.into(),
            retry_seconds: f.next.as_millis().div_ceil(1_000) as u64,
        }
    }
}

impl From<PeerStatus> for PeerRecord {
    fn from(p: PeerStatus) -> Self {
        Self {
            address: p.address.to_string(),
            key: Hex(Hash::from_bytes(p.key.0)),
            outbound: p.outbound,
            tip: p.tip.map(Into::into),
        }
    }
}

impl From<OpenedAt> for OpenedAtRecord {
    fn from(OpenedAt { height, request }: OpenedAt) -> Self {
        Self { height: height.get(), request: Hex(request) }
    }
}

impl From<KernelProof> for FoundRecord {
    fn from(k: KernelProof) -> Self {
        Self {
            height: k.height.get(),
            kernel: Hex(k.kernel),
            place: k.place,
            path: Hex(k.path),
            tip: k.tip.into(),
        }
    }
}

/// Converts a node's response into the result of the method.
macro_rules! results {
    ($($Record:ty, $pattern:pat => $result:expr;)*) => {$(
        impl TryFrom<Response> for $Record {
            type Error = Fault;

            fn try_from(answer: Response) -> Result<Self, Fault> {
                match answer {
                    $pattern => Ok($result),
                    Response::Refused(why) => Err(why.into()),
                    // The node's response matches the request.
                    _ => Err(Fault::Stopped),
                }
            }
        }
    )*};
}

results! {
    StatusRecord, Response::Status(s) => s.into();
    PeersRecord, Response::Peers(all) => Self { peers: all.into_iter().map(Into::into).collect() };
    SubmittedRecord, Response::Submitted(id) => Self { id: Hex(id) };
    ChangeRecord, Response::Done => Self {};
    TermsRecord, Response::Terms { changes, pending } => Self {
        changes: changes.into_iter().map(Hex).collect(),
        pending: pending.into_iter().map(Hex).collect(),
    };
    BlockRecord, Response::Block(block) => Self { block: block.map(Hex) };
    HeaderRecord, Response::Headers(all) => Self { header: all.into_iter().next().map(Hex) };
    HeadersRecord, Response::Headers(all) => Self { headers: all.into_iter().map(Hex).collect() };
    OutputRecord, Response::Output { unspent, proof, tip } => {
        Self { unspent: unspent.map(Hex), proof: Hex(proof), tip: tip.into() }
    };
    KernelRecord, Response::Kernel(found) => Self { found: found.map(Into::into) };
    UnspentRecord, Response::Unspent { unspent, proof, tip } => {
        let outputs = unspent.iter().map(|u| Hex(u.rewind_data())).collect();
        Self { outputs, proof: Hex(proof), tip: tip.into() }
    };
    KeptRecord, Response::Done => Self {};
    OpenedRecord, Response::Opened(all) => Self { requests: all.into_iter().map(Into::into).collect() };
    StoppedRecord, Response::Done => Self {};
}
