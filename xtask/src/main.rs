//! What contributors run, as `./x COMMAND`: std and JSON only, so that it is built in seconds.
#![allow(
    clippy::disallowed_methods,
    reason = "std only: no `fs_err`, and it reads the environment it runs in"
)]

mod apps;
mod bench;
mod build;
mod generate;
mod kubernetes;
mod nix;
mod policies;
mod probe;
mod registries;
mod run;
mod sboms;
mod setup;
mod sigstore;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
usage: ./x COMMAND

  up             build longshore and what BeTrace needs, and run that here until Ctrl-C
  build          build longshore and the images of stacks/ and examples/
  test           set up, check style, and run every test (--long: more and longer ones)
  setup          install the programs that tests compare with and run images in (Debian, Ubuntu); --long: build
                 those for the longer tests as well, which needs Go
  gen            write the generated files: docs/reference/
  bless          accept the outputs that tests see now as the expected ones
  tidy           check arrows between crates, file sizes, links and other rules of the house
  bench          measure images against mmdebstrap with umoci and buildah, packing against gzip, zstd, umoci, buildah and crane,
                 builds against go, ko and cargo, starts against Compose (`images`, `builds`, `services`, `push`, `sign`,
                 `nix`, `pack`, `scale`, `layers`: these alone); results in target/bench/, with --write-docs in docs/benchmarks.md too
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["up"] => build::up(),
        ["build"] => build::build(),
        ["test"] => test::test(test::Length::Short),
        ["test", "--long"] => test::test(test::Length::Long),
        ["setup"] => setup::setup(test::Length::Short),
        ["setup", "--long"] => setup::setup(test::Length::Long),
        ["gen"] => generate::write(),
        ["bless"] => test::bless(),
        ["tidy"] => tidy::tidy(),
        ["bench", words @ ..] => bench::command(words),
        [] | ["help" | "-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("no such command: `{}`\n\n{HELP}", words.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
