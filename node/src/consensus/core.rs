//! The core of a height: Malachite's Tendermint behind our types.
//!
//! The core trusts its caller: every signature and certificate that is fed has been verified in the
//! [table](super::table), so the core is given only verifiers that accept. Its panics are on states that this rules out. It can
//! read the clock of the machine for a target time, which is never set.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", algorithm 1; the lines
//! L11 to L68 of it are named in the core's source.

use super::{
    context::{self, Context, Members, Place, Signed, Value, kind_from, kind_of},
    log::{Entry, Step},
    message::{RoundCertificate, RoundReason, RoundVote},
};
use arc_malachitebft_core_consensus::{
    Effect, Input, LivenessMsg, LocallyProposedValue, Params, ProposedValue, Resumable, Resume,
    SignedConsensusMsg, State, process,
};
use arc_malachitebft_core_types::{
    CommitCertificate, NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificateType,
    RoundSignature, SignedMessage, Timeout, TimeoutKind, Validity, ValueOrigin, ValuePayload,
};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    hash::Hash,
    schnorr::{PublicKey, Signature},
    validators::{Signatures, ValidatorSet},
    votes::{Certificate, ProposalClaim, SignedProposal, SignedVote, Vote},
};

/// What is to be signed.
pub(super) enum ToSign<'a> {
    Vote(&'a Vote),
    Proposal(&'a ProposalClaim),
}

/// Signs, or refuses.
pub(super) trait Signer {
    fn sign(&mut self, what: ToSign<'_>) -> Option<Signature>;
}

/// What the core wants.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once")]
pub(super) enum Output {
    /// Append this to the log.
    Log(Entry),
    /// Send this own vote, for the first time or again.
    Vote(SignedVote),
    /// Send this own proposal.
    Proposal(SignedProposal),
    /// Send this certificate of prevotes.
    Polka { value: Hash, certificate: Certificate },
    /// Send this round certificate.
    Round(RoundCertificate),
    /// Send the block again.
    Restream(Hash),
    /// Wait.
    Timer(Step, u32),
    /// Wait no longer.
    Cancel(Step, u32),
    /// Wait for nothing any more.
    CancelAll,
    /// Draft a block for this round.
    Draft(u32),
    /// The height is decided.
    Decided { value: Hash, certificate: Certificate },
}

/// The core gave up: it was refused a signature, its log says otherwise, or it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// The core of one height.
pub(super) struct Core {
    state: State<Context>,
    height: Height,
    members: Members,
}

/// The outputs so far, and what became of the input.
pub(super) type Fed = (Vec<Output>, Result<(), Failed>);

impl Core {
    pub(super) fn new(chain: ChainId, height: Height, set: ValidatorSet, place: usize) -> Self {
        let members = Members::new(set);
        let params = Params {
            address: Place(place),
            threshold_params: Default::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: true,
        };
        // Nothing is buffered in the core: it is fed one height alone.
        let state =
            State::new(Context { chain }, context::Height(height.get()), members.clone(), params, 1, 1);
        Self { state, height, members }
    }

    pub(super) fn start(&mut self, signer: &mut dyn Signer) -> Fed {
        self.begin(false, signer)
    }

    /// Starts the height from its log: what was signed is not signed again, and what would differ fails.
    pub(super) fn replay(&mut self, log: &[Entry], signer: &mut dyn Signer) -> Fed {
        let mut outputs = Vec::new();
        let inputs: Vec<_> = log.iter().filter_map(|entry| self.input(entry)).collect();
        let (mut out, mut result) = self.begin(true, signer);
        outputs.append(&mut out);
        self.state.index_wal_entries(inputs.iter());
        for input in inputs {
            if result.is_ok() {
                (out, result) = self.process(input, signer);
                outputs.append(&mut out);
            }
        }
        self.state.reset_entries_index();
        (outputs, result)
    }

    /// Starts the height in the round `first`, without a message before it.
    pub(super) fn resume(&mut self, first: u32, signer: &mut dyn Signer) -> Fed {
        let (mut outputs, mut result) = self.begin(true, signer);
        for round in 0..first {
            if result.is_ok() {
                let (mut out, fed) = self.feed(&Entry::Timeout(Step::Precommit, round), signer);
                outputs.append(&mut out);
                result = fed;
            }
        }
        (outputs, result)
    }

    fn begin(&mut self, restart: bool, signer: &mut dyn Signer) -> Fed {
        let (height, members) = (context::Height(self.height.get()), self.members.clone());
        self.process(Input::StartHeight(height, members, restart, None, Default::default()), signer)
    }

    pub(super) fn feed(&mut self, entry: &Entry, signer: &mut dyn Signer) -> Fed {
        match self.input(entry) {
            Some(input) => self.process(input, signer),
            None => (Vec::new(), Ok(())),
        }
    }

    pub(super) fn propose(&mut self, round: u32, value: Hash, signer: &mut dyn Signer) -> Fed {
        let height = context::Height(self.height.get());
        let value = LocallyProposedValue::new(height, Round::new(round), Value(value));
        self.process(Input::Propose(value), signer)
    }

    pub(super) fn enter(&mut self, certificate: &RoundCertificate, signer: &mut dyn Signer) -> Fed {
        let signature = |v: &RoundVote| {
            let value = v.value.map_or(NilOrVal::Nil, |value| NilOrVal::Val(Value(value)));
            RoundSignature::new(kind_of(v.kind), value, Place(v.place.into()), Signed(v.signature))
        };
        let certificate = arc_malachitebft_core_types::RoundCertificate {
            height: context::Height(certificate.height.get()),
            round: Round::new(certificate.round),
            cert_type: match certificate.reason {
                RoundReason::Votes => RoundCertificateType::Skip,
                RoundReason::Precommits => RoundCertificateType::Precommit,
            },
            round_signatures: certificate.votes().iter().map(signature).collect(),
        };
        self.process(Input::RoundCertificate(certificate), signer)
    }

    /// The round it is in.
    pub(super) fn round(&self) -> u32 {
        self.state.round().as_u32().unwrap_or(0)
    }

    /// Whether it waits for a proposal of its own for this round.
    pub(super) fn wants(&self, round: u32) -> bool {
        self.round() == round && self.state.driver.step_is_propose()
    }

    fn process(&mut self, input: Input<Context>, signer: &mut dyn Signer) -> Fed {
        let mut outputs = Vec::new();
        let members = self.members.clone();
        let mut handle = |effect| answer(&members, effect, &mut outputs, signer);
        let result: Result<(), arc_malachitebft_core_consensus::Error<Context>> = process!(
            input: input, state: &mut self.state, metrics: &(),
            with: effect => Ok::<_, core::convert::Infallible>(handle(effect))
        );
        (outputs, result.map_err(|_| Failed))
    }

    fn input(&self, entry: &Entry) -> Option<Input<Context>> {
        let height = context::Height(self.height.get());
        Some(match entry {
            Entry::Vote(vote) => Input::Vote(self.vote(vote)?),
            Entry::Proposal(proposal) => Input::Proposal(self.proposal(proposal)?),
            Entry::Value { round, value, valid } => {
                let proposer = Place(self.members.set.proposer(&self.state.ctx.chain, self.height, *round));
                let validity = Validity::from_bool(*valid);
                let (round, value) = (Round::new(*round), Value(*value));
                let value =
                    ProposedValue { height, round, valid_round: Round::Nil, proposer, value, validity };
                Input::ProposedValue(value, ValueOrigin::Consensus)
            }
            Entry::Polka { value, certificate } => Input::PolkaCertificate(PolkaCertificate {
                height,
                round: Round::new(certificate.round),
                value_id: Value(*value),
                polka_signatures: (certificate.signatures.by_place())
                    .map(|(place, signature)| PolkaSignature::new(Place(place), Signed(*signature)))
                    .collect(),
            }),
            Entry::Timeout(step, round) => {
                let kind = match step {
                    Step::Propose => TimeoutKind::Propose,
                    Step::Prevote => TimeoutKind::Prevote,
                    Step::Precommit => TimeoutKind::Precommit,
                    Step::Rebroadcast => TimeoutKind::Rebroadcast,
                };
                Input::TimeoutElapsed(Timeout::new(Round::new(*round), kind))
            }
            Entry::Block(_) | Entry::Resumed => return None,
        })
    }

    fn vote(&self, signed: &SignedVote) -> Option<SignedMessage<Context, context::Vote>> {
        let vote = context::Vote {
            kind: kind_of(signed.vote.kind),
            height: context::Height(signed.vote.height.get()),
            round: Round::new(signed.vote.round),
            value: signed.vote.value.map_or(NilOrVal::Nil, |value| NilOrVal::Val(Value(value))),
            place: Place(self.members.set.index_of(&signed.voter)?),
        };
        Some(SignedMessage::new(vote, Signed(signed.signature)))
    }

    fn proposal(&self, signed: &SignedProposal) -> Option<SignedMessage<Context, context::Proposal>> {
        let proposal = context::Proposal {
            height: context::Height(signed.claim.height.get()),
            round: Round::new(signed.claim.round),
            value: Value(signed.claim.value),
            pol_round: Round::from(signed.claim.pol_round),
            place: Place(self.members.set.index_of(&signed.proposer)?),
        };
        Some(SignedMessage::new(proposal, Signed(signed.signature)))
    }
}

/// Takes an effect of the core as an output, and tells the core how to go on.
#[allow(clippy::too_many_lines, reason = "one arm for each effect of the core")]
fn answer(
    members: &Members,
    effect: Effect<Context>,
    outputs: &mut Vec<Output>,
    signer: &mut dyn Signer,
) -> Resume<Context> {
    let mut put = |output: Option<Output>| outputs.extend(output);
    match effect {
        Effect::CancelAllTimeouts(r) => {
            put(Some(Output::CancelAll));
            r.resume_with(())
        }
        Effect::CancelTimeout(timeout, r) => {
            put(step(timeout).map(|(step, round)| Output::Cancel(step, round)));
            r.resume_with(())
        }
        Effect::ScheduleTimeout(timeout, r) => {
            put(step(timeout).map(|(step, round)| Output::Timer(step, round)));
            r.resume_with(())
        }
        Effect::StartRound(.., r) => r.resume_with(()),
        Effect::PublishConsensusMsg(SignedConsensusMsg::Vote(vote), r)
        | Effect::PublishLivenessMsg(LivenessMsg::Vote(vote), r)
        | Effect::RepublishVote(vote, r) => {
            put(ledger_vote(members, &vote).map(Output::Vote));
            r.resume_with(())
        }
        Effect::PublishConsensusMsg(SignedConsensusMsg::Proposal(proposal), r) => {
            put(ledger_proposal(members, &proposal).map(Output::Proposal));
            r.resume_with(())
        }
        Effect::PublishLivenessMsg(LivenessMsg::PolkaCertificate(polka), r) => {
            put(polka_of(members, &polka).map(|(value, certificate)| Output::Polka { value, certificate }));
            r.resume_with(())
        }
        Effect::PublishLivenessMsg(LivenessMsg::SkipRoundCertificate(c), r)
        | Effect::RepublishRoundCertificate(c, r) => {
            put(round_certificate(&c).map(Output::Round));
            r.resume_with(())
        }
        Effect::GetValue(_, round, _, r) => {
            put(round.as_u32().map(Output::Draft));
            r.resume_with(())
        }
        Effect::RestreamProposal(_, _, _, _, value, r) => {
            put(Some(Output::Restream(value.0)));
            r.resume_with(())
        }
        Effect::Decide(certificate, _, r) => {
            put(commit(members, &certificate));
            r.resume_with(())
        }
        Effect::SignVote(vote, r) => match signer.sign(ToSign::Vote(&plain_vote(&vote))) {
            Some(signature) => r.resume_with(SignedMessage::new(vote, Signed(signature))),
            // Not what it asked for, so it fails.
            None => Resume::Continue,
        },
        Effect::SignProposal(proposal, r) => match signer.sign(ToSign::Proposal(&claim(&proposal))) {
            Some(signature) => r.resume_with(SignedMessage::new(proposal, Signed(signature))),
            None => Resume::Continue,
        },
        Effect::WalAppend(_, input, r) => {
            put(entry(members, input).map(Output::Log));
            r.resume_with(())
        }
        // All of this was verified before it was fed, or is our own.
        Effect::VerifySignature(_, _, r) => r.resume_with(true),
        Effect::VerifyCommitCertificate(.., r)
        | Effect::VerifyExtendedCommitCertificate(.., r)
        | Effect::VerifyPolkaCertificate(.., r)
        | Effect::VerifyRoundCertificate(.., r) => r.resume_with(Ok(())),
        // Not used: vote extensions are off, blocks are synchronised outside, and the table finds evidence.
        Effect::ExtendVote(.., r) => r.resume_with(None),
        Effect::VerifyVoteExtension(.., r) => r.resume_with(Ok(())),
        Effect::CertVerifiedSyncValue(.., r) => r.resume_with(()),
        Effect::CertRejectedSyncValue(.., r) => r.resume_with(()),
        Effect::Finalize(.., r) => r.resume_with(()),
    }
}

fn step(timeout: Timeout) -> Option<(Step, u32)> {
    let step = match timeout.kind {
        TimeoutKind::Propose => Step::Propose,
        TimeoutKind::Prevote => Step::Prevote,
        TimeoutKind::Precommit => Step::Precommit,
        TimeoutKind::Rebroadcast => Step::Rebroadcast,
        TimeoutKind::FinalizeHeight(_) => return None,
    };
    Some((step, timeout.round.as_u32()?))
}

fn entry(members: &Members, input: Input<Context>) -> Option<Entry> {
    Some(match input {
        Input::Vote(vote) => Entry::Vote(ledger_vote(members, &vote)?),
        Input::Proposal(proposal) => Entry::Proposal(ledger_proposal(members, &proposal)?),
        Input::PolkaCertificate(polka) => {
            let (value, certificate) = polka_of(members, &polka)?;
            Entry::Polka { value, certificate }
        }
        Input::TimeoutElapsed(timeout) => {
            let (step, round) = step(timeout)?;
            Entry::Timeout(step, round)
        }
        Input::ProposedValue(v, _) => {
            Entry::Value { round: v.round.as_u32()?, value: v.value.0, valid: v.validity.is_valid() }
        }
        Input::StartHeight(..)
        | Input::RoundCertificate(_)
        | Input::Propose(_)
        | Input::SyncValueResponse(_) => {
            return None;
        }
    })
}

fn plain_vote(vote: &context::Vote) -> Vote {
    let value = match vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(value) => Some(value.0),
    };
    let round = vote.round.as_u32().unwrap_or(u32::MAX);
    Vote { kind: kind_from(vote.kind), height: Height::new(vote.height.0), round, value }
}

fn claim(proposal: &context::Proposal) -> ProposalClaim {
    ProposalClaim {
        height: Height::new(proposal.height.0),
        round: proposal.round.as_u32().unwrap_or(u32::MAX),
        pol_round: proposal.pol_round.as_u32(),
        value: proposal.value.0,
    }
}

fn key(members: &Members, place: Place) -> Option<PublicKey> {
    members.set.get(place.0).map(|v| v.vote_key)
}

fn ledger_vote(members: &Members, signed: &SignedMessage<Context, context::Vote>) -> Option<SignedVote> {
    let voter = key(members, signed.message.place)?;
    Some(SignedVote { vote: plain_vote(&signed.message), voter, signature: signed.signature.0 })
}

fn ledger_proposal(
    members: &Members,
    signed: &SignedMessage<Context, context::Proposal>,
) -> Option<SignedProposal> {
    let proposer = key(members, signed.message.place)?;
    Some(SignedProposal { claim: claim(&signed.message), proposer, signature: signed.signature.0 })
}

fn polka_of(members: &Members, polka: &PolkaCertificate<Context>) -> Option<(Hash, Certificate)> {
    let signed = polka.polka_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect();
    let signatures = Signatures::new(members.set.count(), signed)?;
    Some((polka.value_id.0, Certificate { round: polka.round.as_u32()?, signatures }))
}

fn commit(members: &Members, certificate: &CommitCertificate<Context>) -> Option<Output> {
    let signed = certificate.commit_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect();
    let value = certificate.value_id.0;
    let signatures = Signatures::new(members.set.count(), signed)?;
    Some(Output::Decided {
        value,
        certificate: Certificate { round: certificate.round.as_u32()?, signatures },
    })
}

fn round_certificate(c: &arc_malachitebft_core_types::RoundCertificate<Context>) -> Option<RoundCertificate> {
    let vote = |s: &RoundSignature<Context>| {
        let value = match s.value_id {
            NilOrVal::Nil => None,
            NilOrVal::Val(value) => Some(value.0),
        };
        let (place, signature) = (u8::try_from(s.address.0).ok()?, s.signature.0);
        Some(RoundVote { place, kind: kind_from(s.vote_type), value, signature })
    };
    let reason = match c.cert_type {
        RoundCertificateType::Skip => RoundReason::Votes,
        RoundCertificateType::Precommit => RoundReason::Precommits,
    };
    let votes = c.round_signatures.iter().map(vote).collect::<Option<Vec<_>>>()?;
    RoundCertificate::new(Height::new(c.height.0), c.round.as_u32()?, reason, votes)
}
