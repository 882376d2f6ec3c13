//! The shapes of results. A field that may be missing is `null`, so every shape has all its names.

use crate::{
    effect::{KernelProof, PeerStatus, Response, Status},
    message::BlockName,
    rpc::{Fault, Hex},
};
use serde::{Deserialize, Serialize};
use sotto_mw::{
    amount::Height,
    block::{Block, SealedHeader},
    chain::{Chain, ChainId, Params},
    hash::Hash,
    kernel::Kernel,
    mmr::MmrProof,
    state::{RewindData, Unspent},
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
    /// A block's name.
    TipRecord {
        /// Its height.
        height: u64,
        /// Its header's hash.
        hash: Hex<Hash>,
    }

    /// Which chain a node keeps.
    ChainRecord {
        /// The hash of the parameters.
        chain_id: Hex<ChainId>,
        /// `main`, `test` or `solo`.
        network: String,
        /// The genesis parameters.
        parameters: Hex<Params>,
    }

    /// How a node is.
    StatusRecord {
        /// Its last block.
        tip: TipRecord,
        /// The time of that block, in seconds since 1970.
        time: u64,
        /// The height of the best block that it has seen sealed.
        best: u64,
        /// Unspent outputs.
        unspent: u64,
        /// Kernels.
        kernels: u64,
        /// Pending transactions that everybody knows of.
        pending: u64,
        /// Their weight.
        pending_weight: u64,
        /// Connections that it opened.
        outbound: u64,
        /// Connections that it took.
        inbound: u64,
        /// Addresses that it knows.
        addresses: u64,
    }

    /// A connected peer.
    PeerRecord {
        /// IP address and port.
        address: String,
        /// Its Ed25519 key.
        key: Hex<Hash>,
        /// Whether this node opened the connection.
        outbound: bool,
        /// Its last block, as it has shown by a sealed header.
        tip: Option<TipRecord>,
    }

    /// Who is connected.
    PeersRecord {
        /// The peers.
        peers: Vec<PeerRecord>,
    }

    /// A transaction was taken in.
    SubmittedRecord {
        /// Its id.
        id: Hex<Hash>,
    }

    /// A block.
    BlockRecord {
        /// The block; `null` when there is none at that height, or its body was pruned.
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

    /// An unspent output, or that there is none.
    OutputRecord {
        /// The output; `null` when it is not unspent.
        unspent: Option<Hex<Unspent>>,
        /// Of its presence or absence.
        proof: Hex<TrieProof>,
        /// Whose root the proof leads to.
        tip: TipRecord,
    }

    /// A kernel, or that there is none, which nobody can prove.
    KernelRecord {
        /// The kernel; `null` when the chain has none.
        found: Option<FoundRecord>,
    }

    /// A kernel that the chain has.
    FoundRecord {
        /// The height of its block.
        height: u64,
        /// The kernel.
        kernel: Hex<Kernel>,
        /// Its place among all kernels.
        place: u64,
        /// That it stands there.
        path: Hex<MmrProof>,
        /// Whose root the proof leads to.
        tip: TipRecord,
    }

    /// All unspent outputs under a prefix.
    UnspentRecord {
        /// What a scan needs of them, in the order of their keys.
        outputs: Vec<Hex<RewindData>>,
        /// That they are all.
        proof: Hex<ChunkProof>,
        /// Whose root the proof leads to.
        tip: TipRecord,
    }

    /// The node stops.
    StoppedRecord {}
}

impl TipRecord {
    /// The block's name.
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

/// An engine's answer as the result of the method that asked.
macro_rules! results {
    ($($Record:ty, $pattern:pat => $result:expr;)*) => {$(
        impl TryFrom<Response> for $Record {
            type Error = Fault;

            fn try_from(answer: Response) -> Result<Self, Fault> {
                match answer {
                    $pattern => Ok($result),
                    Response::Refused(why) => Err(why.into()),
                    // The engine answers what it was asked.
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
    StoppedRecord, Response::Done => Self {};
}
