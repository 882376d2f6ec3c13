//! Bytes of the payments that a wallet began, as it remembers them.
#![deny(clippy::indexing_slicing)]

use super::{
    count, flag, option, put_count, put_option,
    records::{LEAST_INVITE, name, names, put_names},
    session,
};
use crate::{
    keys::Account,
    slate::{Invite, Response, seal::Sealed},
    state::{Answer, Fate, Invited, Sent, Signed, Stage},
};
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    kernel::Excess,
    transaction::Transaction,
};

fn put_list<T: Encode>(all: &[T], out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.iter().for_each(|x| x.encode(out));
}

/// Items of which each holds an invite.
fn list<T: Decode>(r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let n = count(r, "invites", LEAST_INVITE)?;
    (0..n).map(|_| T::decode(r)).collect()
}

impl Encode for Invited {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        self.sealed.encode(out);
        put_option(self.response(), out);
    }
}

impl Decode for Invited {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (invite, sealed) = (Invite::decode(r)?, Sealed::decode(r)?);
        let answer: Option<Response> = option(r, "response flag")?;
        Ok(Self { invite, sealed, answer: answer.map_or(Answer::Awaited, |a| Answer::Held(Box::new(a))) })
    }
}

impl Encode for Signed {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        self.response.encode(out);
        self.excess.encode(out);
    }
}

impl Decode for Signed {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (invite, response) = (Invite::decode(r)?, Response::decode(r)?);
        Ok(Self { invite, response, excess: Excess::decode(r)? })
    }
}

impl Encode for Sent {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        put_names(&self.inputs, out);
        out.push(u8::from(self.change.is_some()));
        self.change.iter().for_each(|c| out.extend_from_slice(&c.0));
        put_list(&self.dropped, out);
        match &self.stage {
            Stage::Open(open) => {
                out.push(0);
                put_list(open, out);
            }
            Stage::Cancelled => out.push(1),
            Stage::Finalised { signed, transaction, fate } => {
                out.push(2);
                put_list(signed, out);
                transaction.encode(out);
                fate.encode(out);
            }
        }
    }
}

/// A payment has the name of one of its invites, and is in no stage without an invite that is in it.
impl Decode for Sent {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (id, account, inputs) = (session(r)?, Account(r.u32()?), names(r)?);
        let change = flag(r, "change flag")?.then(|| name(r)).transpose()?;
        let dropped = list(r)?;
        let (live, stage) = match r.u8()? {
            0 => {
                let open: Vec<Invited> = list(r)?;
                (!open.is_empty(), Stage::Open(open))
            }
            1 => (true, Stage::Cancelled),
            2 => {
                let signed: Vec<Signed> = list(r)?;
                let (transaction, fate) = (Transaction::decode(r)?, Fate::decode(r)?);
                (!signed.is_empty(), Stage::Finalised { signed, transaction, fate })
            }
            code => return Err(DecodeError::Code { what: "stage", code }),
        };
        let sent = Self { id, account, inputs, change, dropped, stage };
        match live && sent.part(&id).is_some() {
            true => Ok(sent),
            false => Err(DecodeError::Code { what: "payment without its invite", code: 0 }),
        }
    }
}
