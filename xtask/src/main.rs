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

use bench::Part;

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
  bench          measure images against mmdebstrap with umoci and buildah, builds against go, ko and cargo,
                 starts against Compose, plans of layers against other strategies (`images`, `builds`, `services`, `push`,
                 `sign`, `nix`, `layers`: these alone); results in target/bench/
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
        ["bench"] => bench::bench(&[
            Part::Images,
            Part::Builds,
            Part::Services,
            Part::Push,
            Part::Sign,
            Part::Nix,
            Part::Layers,
        ]),
        ["bench", "images"] => bench::bench(&[Part::Images]),
        ["bench", "builds"] => bench::bench(&[Part::Builds]),
        ["bench", "services"] => bench::bench(&[Part::Services]),
        ["bench", "push"] => bench::bench(&[Part::Push]),
        ["bench", "sign"] => bench::bench(&[Part::Sign]),
        ["bench", "nix"] => bench::bench(&[Part::Nix]),
        ["bench", "layers"] => bench::bench(&[Part::Layers]),
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
