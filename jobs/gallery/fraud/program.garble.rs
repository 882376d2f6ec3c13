// Transfers from one bank to another that look like fraud to both together and to neither alone: just below the reporting
// limit of 10,000.00, sent from an account younger than ninety days, and nine tenths withdrawn in cash at once. Fewer than
// three are not counted. Both banks list transfers by ascending reference.

struct Suspicious { transfers: (bool, u32), amount: (bool, u64) }

fn is_suspicious(sent: u32, account_days: u16, withdrawn: u32) -> bool {
    let below_limit = (sent >= 900000u32) & (sent < 1000000u32);
    let gone = (withdrawn as u64) * 10u64 >= (sent as u64) * 9u64;
    below_limit & (account_days < 90u16) & gone
}

pub fn main(sent: [(u32, (u32, u16)); 60], received: [(u32, u32); 50]) -> Suspicious {
    let mut transfers = 0u32;
    let mut amount = 0u64;
    for ((_, (units, account_days)), (_, withdrawn)) in join_iter(sent, received) {
        if is_suspicious(units, account_days, withdrawn) {
            transfers = transfers + 1u32;
            amount = amount + (units as u64);
        } else { }
    }
    let shown = transfers >= 3u32;
    if shown {
        Suspicious { transfers: (true, transfers), amount: (true, amount) }
    } else {
        Suspicious { transfers: (false, 0u32), amount: (false, 0u64) }
    }
}
