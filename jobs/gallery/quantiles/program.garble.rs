// Five quantiles of the salaries of three firms: for 10, 25, 50, 75 and 90 per cent, the least salary such that at least so
// many of all salaries are no higher. All are below 131,072.

fn no_higher(first: [u32; 40], second: [u32; 35], third: [u32; 30], most: u32) -> u32 {
    let mut count = 0u32;
    for pay in first { if pay <= most { count = count + 1u32; } else { } }
    for pay in second { if pay <= most { count = count + 1u32; } else { } }
    for pay in third { if pay <= most { count = count + 1u32; } else { } }
    count
}

// Bit by bit from the highest: a bit is set if too few salaries are below.
fn quantile(first: [u32; 40], second: [u32; 35], third: [u32; 30], percent: u32) -> u32 {
    let mut least = 0u32;
    let mut step = 65536u32;
    for round in 0usize..17usize {
        let count = no_higher(first, second, third, least + (step - 1u32));
        if count * 100u32 < percent * 105u32 { least = least + step; } else { }
        step = step >> 1u8;
    }
    least
}

pub fn main(first: [u32; 40], second: [u32; 35], third: [u32; 30]) -> [u32; 5] {
    [
        quantile(first, second, third, 10u32),
        quantile(first, second, third, 25u32),
        quantile(first, second, third, 50u32),
        quantile(first, second, third, 75u32),
        quantile(first, second, third, 90u32),
    ]
}
