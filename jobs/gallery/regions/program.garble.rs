// The median income of each of four regions, over the households of two statistics offices: the least income such that at
// least half of the region's are no higher. A region with fewer than eight households is left out. Incomes are below 131,072.

enum Region { North, South, East, West }

struct Household { region: Region, income: u32 }

struct Median { region: Region, households: (bool, u32), income: (bool, u32) }

fn place(region: Region) -> u8 {
    match region { Region::North => 0u8, Region::South => 1u8, Region::East => 2u8, Region::West => 3u8 }
}

fn no_higher(first: [Household; 50], second: [Household; 40], region: u8, most: u32) -> u32 {
    let mut count = 0u32;
    for household in first {
        if (place(household.region) == region) & (household.income <= most) { count = count + 1u32; } else { }
    }
    for household in second {
        if (place(household.region) == region) & (household.income <= most) { count = count + 1u32; } else { }
    }
    count
}

fn median(first: [Household; 50], second: [Household; 40], region: Region) -> Median {
    let here = place(region);
    let all = no_higher(first, second, here, 131071u32);
    let mut least = 0u32;
    let mut step = 65536u32;
    for round in 0usize..17usize {
        let count = no_higher(first, second, here, least + (step - 1u32));
        if count * 2u32 < all { least = least + step; } else { }
        step = step >> 1u8;
    }
    let shown = all >= 8u32;
    let (households, income) = if shown { (all, least) } else { (0u32, 0u32) };
    Median { region, households: (shown, households), income: (shown, income) }
}

pub fn main(first: [Household; 50], second: [Household; 40]) -> [Median; 4] {
    [
        median(first, second, Region::North),
        median(first, second, Region::South),
        median(first, second, Region::East),
        median(first, second, Region::West),
    ]
}
