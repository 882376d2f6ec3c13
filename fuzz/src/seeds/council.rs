//! Seeds of what members of a group that seals or votes say and keep.

use super::{Inputs, input};
use crate::fixtures::{chain::world, keys::MADE};
use sotto_mw::{
    amount::Height,
    codec::Encode,
    hash::Hash,
    rules::Proposal,
    votes::{ProposalClaim, Vote, VoteKind},
};
use sotto_node::{
    consensus::{Ballot, Statement},
    council::{Said, VoteRecord},
};

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    Some(match target {
        "node_council" => said(),
        "node_group_votes" => records(),
        _ => return None,
    })
}

fn vote(value: Option<Hash>) -> Statement {
    Statement::Vote(Vote { kind: VoteKind::Prevote, height: Height::new(5), round: 1, value })
}

fn claim(value: Hash) -> Statement {
    Statement::Proposal(ProposalClaim { height: Height::new(5), round: 2, pol_round: Some(1), value })
}

fn said() -> Inputs {
    let letter = || MADE.log.letters().next().expect("a key generation has letters").clone();
    let block = &world().block;
    let proposal = Proposal { header: block.header.clone(), body: block.body.clone() };
    let value = block.header.hash();
    let ballot = |statement| Said::Ballot {
        letter: letter(),
        ballot: Ballot { statement, claim: None, polka: None, block: [].into() },
    };
    vec![
        input("ask", Said::Ask { bound: true, letter: letter(), proposal }.to_bytes()),
        input("letter", Said::Letter(letter()).to_bytes()),
        input("ballot", ballot(vote(Some(value))).to_bytes()),
        input("ballot-proposal", ballot(claim(value)).to_bytes()),
        input("instead", Said::Instead(vote(None)).to_bytes()),
    ]
}

fn records() -> Inputs {
    let file = VoteRecord::new(*world().test_chain.chain().id()).to_file();
    // Without the checksum, which is corrected.
    let empty = &file[..file.len() - 32];
    let (unlocked, place) = empty.split_at(empty.len() - 38);
    assert_eq!(place, [&[0; 37][..], &[1]].concat(), "no lock, and nothing said");
    let locked = [unlocked, &[1, 1, 0, 0, 0], &[7; 32], &[1]].concat();
    let with = |record: &[u8], statements: &[Statement]| {
        let said: Vec<u8> = statements.iter().flat_map(Statement::to_bytes).collect();
        [record, &said, &[0; 32]].concat()
    };
    let claimed = claim(Hash::from_bytes([7; 32]));
    let mut last_alone = with(&locked[..locked.len() - 1], &[claimed]);
    last_alone[4] = 1;
    vec![
        input("new", file.clone()),
        input("unlocked", with(empty, &[vote(None)])),
        input("locked", with(&locked, &[vote(None), claimed])),
        input("last-alone", last_alone),
    ]
}
