//! Rows that come as Parquet and results that go out as Parquet; files that are none, or unpack to too much.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArrayType, DoubleType, Int32Type, Int64Type},
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    schema::parser::parse_message_type,
};
use std::{fs::File, sync::Arc};

const SCHEMA: &str = "message rows {
    OPTIONAL DOUBLE pay;
    REQUIRED INT32 joined (DATE);
    REQUIRED BYTE_ARRAY region (STRING);
    REQUIRED BOOLEAN member;
    REQUIRED INT64 seen (TIMESTAMP(MICROS, true));
}";

/// Sums, and the latest date and time, of two parties with three rows each.
const SOURCE: &str = "
enum Region { North, South }
struct Person { pay: (bool, u32), joined: u32, region: Region, member: bool, seen: u64 }
struct Answer { mean: (bool, u32), last: u32, region: Region, all: bool, seen: u64, count: u32 }
pub fn main(a: [Person; 3], b: [Person; 3]) -> Answer {
    let mut sum = 0u32;
    let mut count = 0u32;
    let mut last = a[0].joined;
    let mut seen = a[0].seen;
    let mut all = true;
    for person in a {
        if person.pay.0 { sum = sum + person.pay.1; count = count + 1u32; }
        if person.joined > last { last = person.joined; }
        if person.seen > seen { seen = person.seen; }
        all = all & person.member;
    }
    for person in b {
        if person.pay.0 { sum = sum + person.pay.1; count = count + 1u32; }
        if person.joined > last { last = person.joined; }
        if person.seen > seen { seen = person.seen; }
        all = all & person.member;
    }
    let mean = if count > 0u32 { (true, sum / count) } else { (false, 0u32) };
    Answer { mean, last, region: b[2].region, all, seen, count }
}
";

const TYPES: &str = "columns.pay = { max = \"100000.00\", decimals = 2, optional = true }\ncolumns.joined = { type = \"date\" }\ncolumns.seen = { type = \"time\" }\n";

/// A job of two parties over these rows.
fn world() -> World {
    let world = World::empty();
    world.run("mpc new people --template survey").ok();
    let job = world.read("people/job.toml");
    let (head, _) = job.split_once("\n[[input]]").unwrap();
    let input = |name: &str| format!("\n[[input]]\nparty = \"{name}\"\n{TYPES}");
    let output = |name: &str| format!("\n[[output]]\nname = \"{name}\"\nresult_parties = [\"north\"]\n");
    let results = "columns.mean = { decimals = 2, optional = true }\ncolumns.last = { type = \"date\" }\ncolumns.seen = { type = \"time\" }\n";
    let head = head.replace("parameters = ", "# ");
    let outputs = output("inputs_hold") + &output("panicked") + &output("result") + results;
    world.write("job.toml", &format!("{head}\n{}{}{outputs}", input("north"), input("south")));
    world.write("program.garble.rs", SOURCE);
    world
}

/// Writes three rows, of which the second has no pay.
fn write(world: &World, name: &str, compression: Compression) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut file =
        SerializedFileWriter::new(File::create(world.path(name)).unwrap(), schema, Arc::new(properties))
            .unwrap();
    let mut rows = file.next_row_group().unwrap();
    macro_rules! column {
        ($type:ty, $values:expr, $levels:expr) => {
            let mut column = rows.next_column().unwrap().unwrap();
            column.typed::<$type>().write_batch(&$values, $levels, None).unwrap();
            column.close().unwrap();
        };
    }
    column!(DoubleType, [1000.5, 2000.25], Some(&[1, 0, 1]));
    column!(Int32Type, [18_321, 0, 20_000], None);
    column!(ByteArrayType, ["North", "South", "South"].map(Into::into), None);
    column!(BoolType, [true, true, false], None);
    column!(Int64Type, [1_000_000, 86_400_000_000, 0], None);
    rows.close().unwrap();
    file.close().unwrap();
}

#[test]
fn rows_come_and_results_go_as_parquet() {
    let world = world();
    write(&world, "south.parquet", Compression::SNAPPY);
    world.write(
        "north.csv",
        "pay,joined,region,member,seen\n10.00,2024-05-06,North,true,1970-01-01T00:00:00Z\n,1999-01-01,North,true,2001-01-01 01:00:00+01:00\n,1999-01-01,North,true,1970-01-01T00:00:00Z\n",
    );
    let ports = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let job = world.read("job.toml");
    let [north, south] = ports.each_ref().map(|port| port.local_addr().unwrap().to_string());
    world.write("job.toml", &job.replace("north.example:7700", &north).replace("south.example:7700", &south));
    drop(ports);
    world.shell("for n in north south; do sotto mpc keygen $n && cp $n.pub people; done; for n in north south; do sotto mpc sign job.toml --key $n.key --yes; done").ok();
    let run = "sotto mpc run job.toml --as south --key south.key --input - --format parquet < south.parquet & \
        sotto mpc run job.toml --as north --key north.key --input north.csv --results parquet --out - > printed && wait";
    for (options, why) in [
        ("--output result", "--output chooses what `--out -` writes"),
        ("--out - --output mean", "mean is not an output that north receives"),
        ("--out - --results csv --results json", "standard output takes one format"),
    ] {
        let said =
            world.run(&format!("mpc run job.toml --as north --key north.key --input north.csv {options}"));
        assert!(said.fails(2).contains(why), "{options}");
    }
    world.shell(run).ok();
    // One result, and nothing else; the files are there, too.
    let bytes = |name: &str| std::fs::read(world.path(name)).unwrap();
    assert!(bytes("printed") == bytes("job.results/north-1/result.parquet"));
    let expected = "mean,last,region,all,seen,count\n1003.58,2024-10-04,South,false,2001-01-01T00:00:00Z,3\n";
    assert_eq!(world.read("job.results/north-1/result.csv"), expected);
    // The same command with another form: nothing is computed again.
    let again = |more: &str| {
        let run = "mpc run job.toml --as north --key north.key --input north.csv --out -";
        world.run(&format!("{run}{more}")).ok()
    };
    let json = |more: &str| serde_json::from_str::<serde_json::Value>(&again(more)).unwrap();
    assert_eq!(again(""), expected);
    assert_eq!(again(" --results csv --output panicked"), "panicked\n0\n");
    assert_eq!(json(" --results json --output result")[0]["mean"], "1003.58");
    for all in [json(" --results json"), json(" --json")] {
        assert_eq!(
            (&all["result"][0]["last"], &all["panicked"][0]["panicked"]),
            (&"2024-10-04".into(), &"0".into())
        );
        assert_eq!(all["inputs_hold"][0]["owner 2"], "1");
    }
    let south = "mpc run job.toml --as south --key south.key --input south.parquet --out -";
    assert!(world.run(south).fails(2).contains("south receives no result of this job"));
    let file = File::open(world.path("job.results/north-1/result.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    // What was written is read back by the program itself, as rows of another job would be.
    let shown = rows[0].to_string();
    for words in ["1003.58", "2024-10-04", "\"South\"", "all: false", "2001-01-01", "count: 3"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn faults_of_a_parquet_file_are_listed_by_rows_and_without_values() {
    let world = world();
    write(&world, "south.parquet", Compression::UNCOMPRESSED);
    let check = "mpc check job.toml --as south --input";
    world.run(&format!("{check} south.parquet")).ok();
    world.shell("cat south.parquet | sotto mpc check job.toml --as south --input - --format parquet").ok();
    world.write("job.toml", &world.read("job.toml").replace("\"100000.00\"", "\"1500.00\""));
    let why = world.run(&format!("{check} south.parquet")).fails(1);
    assert!(why.contains("row 3 (line 3), column pay: outside the range") && !why.contains("2000"), "{why}");
    // Not Parquet; cut off; under another name.
    world.write("text.parquet", "pay,joined\n");
    let bytes = std::fs::read(world.path("south.parquet")).unwrap();
    std::fs::write(world.path("cut.parquet"), &bytes[..bytes.len() - 20]).unwrap();
    std::fs::write(world.path("named.csv"), &bytes).unwrap();
    for (name, why) in [
        ("text.parquet", "not a Parquet file"),
        ("cut.parquet", "not a Parquet file"),
        ("named.csv", "must end in .parquet"),
    ] {
        let said = world.run(&format!("{check} {name}")).fails(1);
        assert!(said.contains(why), "{name}: {said}");
    }
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0xff;
        std::fs::write(world.path("flipped.parquet"), bytes).unwrap();
        world.run(&format!("{check} flipped.parquet")).code
    };
    // Whatever byte is wrong, the answer is one of the two.
    assert!((0..bytes.len()).step_by(37).all(|at| [0, 1].contains(&flipped(at))));
}

/// A small file that unpacks to 128 MiB of one text, over and over.
#[test]
fn a_column_that_unpacks_to_too_much_is_one_error() {
    let world = world();
    let schema =
        Arc::new(parse_message_type("message rows { REQUIRED BYTE_ARRAY region (STRING); }").unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .set_data_page_size_limit(2 << 30)
        .set_write_batch_size(1 << 20)
        .build();
    let mut file = SerializedFileWriter::new(
        File::create(world.path("bomb.parquet")).unwrap(),
        schema,
        Arc::new(properties),
    )
    .unwrap();
    let mut rows = file.next_row_group().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    let text = parquet::data_type::ByteArray::from(vec![b'x'; 1 << 20]);
    column.typed::<ByteArrayType>().write_batch(&vec![text; 1000], None, None).unwrap();
    column.close().unwrap();
    rows.close().unwrap();
    file.close().unwrap();
    assert!(std::fs::metadata(world.path("bomb.parquet")).unwrap().len() < 100 << 20);
    let why = world.run("mpc check job.toml --as south --input bomb.parquet").fails(1);
    assert_eq!(why.matches("Parquet: it takes more than 768 MiB").count(), 1, "{why}");
}
