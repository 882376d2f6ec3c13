//! What dishonest validators do: each runs an engine, and what leaves it is changed.

use crate::{
    validator::{Content, EPOCH},
    world::{Packet, World},
};
use rand_core::RngCore;
use sotto_mw::{
    amount::Height,
    codec::Encode,
    hash::Hash,
    votes::{ProposalClaim, Vote, VoteKind},
};
use sotto_node::consensus::{Message, ProposedBlock};

/// A way to be dishonest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Silent,
    TwoVotes,
    TwoProposals,
    InvalidBodies,
    WithheldBodies,
    AlwaysNil,
    OldRounds,
    FullBuffers,
    LateTimes,
    WrongClock,
    Forgeries,
    /// Only where a test wants others to be locked.
    NoPrecommits,
    /// Sends what its engine says, which a test lets forget. Where there are many, blocks may differ.
    Amnesia,
}

impl Fault {
    pub(crate) const ALL: [Self; 11] = [
        Self::Silent,
        Self::TwoVotes,
        Self::TwoProposals,
        Self::InvalidBodies,
        Self::WithheldBodies,
        Self::AlwaysNil,
        Self::OldRounds,
        Self::FullBuffers,
        Self::LateTimes,
        Self::WrongClock,
        Self::Forgeries,
    ];
}

fn vote(world: &mut World, who: usize, vote: Vote) -> Message {
    let signed = vote.sign(world.chain.id(), &world.all[who].key, &mut world.rng);
    Message::Vote { vote, place: who as u8, signature: signed.signature }
}

fn post(world: &mut World, who: usize, to: usize, message: &Message) {
    world.post(who, to, Packet::Consensus(message.to_bytes()));
}

fn any_value(world: &mut World) -> Option<Hash> {
    let known: Vec<Hash> = world.all.iter().flat_map(|s| s.here.keys().copied().take(8)).collect();
    let i = world.below(known.len() as u64 + 2) as usize;
    if i == known.len() { None } else { Some(known.get(i).copied().unwrap_or(Hash::from_bytes([9; 32]))) }
}

/// Sends a message of an engine, as this validator does it.
#[allow(clippy::too_many_lines, reason = "one arm for each way to be dishonest")]
pub(crate) fn send(world: &mut World, who: usize, to: &[usize], message: &Message) {
    let own_vote = match message {
        Message::Vote { vote, place, .. } if usize::from(*place) == who => Some(*vote),
        _ => None,
    };
    match (world.all[who].fault, own_vote, message) {
        (Some(Fault::TwoVotes), Some(v), _) => {
            let value = any_value(world);
            let other = vote(world, who, Vote { value, ..v });
            for to in to {
                let first = if world.below(2) == 0 { message } else { &other };
                post(world, who, *to, first);
                if world.below(3) == 0 {
                    post(world, who, *to, &other);
                }
            }
            return;
        }
        (Some(Fault::NoPrecommits), Some(v), _) if v.kind == VoteKind::Precommit => return,
        (Some(Fault::AlwaysNil), Some(v), _) => {
            let nil = vote(world, who, Vote { value: None, ..v });
            to.iter().for_each(|to| post(world, who, *to, &nil));
            return;
        }
        (Some(Fault::TwoProposals), _, Message::Proposal { claim, .. }) if claim.pol_round.is_none() => {
            let now = world.now;
            let (time, nonce) = (world.all[who].clock(now), world.rng.next_u64());
            let last = world.all[who].disk.blocks.last().map_or(EPOCH, |(b, _)| b.time);
            let block = world.all[who].draft(time.max(last + 1), nonce).block();
            let claim = ProposalClaim { value: block.value, ..*claim };
            let signature = claim.sign(world.chain.id(), &world.all[who].key, &mut world.rng).signature;
            let other = Message::Proposal { claim, signature };
            world.all[who].here.insert(block.value, block.clone());
            for to in to {
                let second = world.below(2) == 0;
                post(world, who, *to, if second { &other } else { message });
                world.post(who, *to, Packet::Block(block.clone()));
                if world.below(4) == 0 {
                    post(world, who, *to, if second { message } else { &other });
                }
            }
            return;
        }
        (Some(Fault::OldRounds), Some(v), _) => {
            for round in v.round.saturating_sub(3)..v.round + 2 {
                let (kind, value) = (v.kind, any_value(world));
                let old = vote(world, who, Vote { kind, height: v.height, round, value });
                to.iter().for_each(|to| post(world, who, *to, &old));
            }
        }
        (Some(Fault::FullBuffers), Some(v), _) => {
            for _ in 0..40 {
                let (height, round) = (Height::new(v.height.get() + world.below(3)), world.below(20) as u32);
                let (kind, value) = (VoteKind::Precommit, any_value(world));
                let early = vote(world, who, Vote { kind, height, round, value });
                to.iter().for_each(|to| post(world, who, *to, &early));
            }
        }
        (Some(Fault::Forgeries), Some(v), Message::Vote { signature, .. }) => {
            let forged = Message::Vote {
                vote: Vote { value: None, round: v.round + 1, ..v },
                place: (who as u8 + 1) % 3,
                signature: *signature,
            };
            if world.below(4) == 0 {
                to.iter().for_each(|to| post(world, who, *to, &forged));
            }
        }
        _ => {}
    }
    to.iter().for_each(|to| post(world, who, *to, message));
}

/// Sends a block to all.
pub(crate) fn send_block(world: &mut World, who: usize, block: ProposedBlock) {
    if world.all[who].fault != Some(Fault::WithheldBodies) {
        world.tell_all(who, &Packet::Block(block));
    }
}

/// The block that this validator drafts.
pub(crate) fn draft(world: &mut World, who: usize, content: Content) -> Content {
    match world.all[who].fault {
        Some(Fault::InvalidBodies) => Content { valid: false, ..content },
        Some(Fault::LateTimes) => {
            let time = content.time + world.between((8, 14));
            Content { time, ..content }
        }
        _ => content,
    }
}
