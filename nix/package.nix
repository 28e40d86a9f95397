# The program, from the source that this flake lies in.
{ lib, rustPlatform }:
let
  workspace = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace;
in
rustPlatform.buildRustPackage {
  pname = "longshore";
  inherit (workspace.package) version;
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Cargo.toml
      ../Cargo.lock
      ../crates
      ../docs/reference/stack.schema.json
      ../xtask
    ];
  };
  cargoLock.lockFile = ../Cargo.lock;
  cargoBuildFlags = [ "--package=longshore" ];
  # They start engines and registries: `./x test` runs them.
  doCheck = false;
  meta = {
    description = "From one stack file to reproducible container images";
    license = lib.licenses.asl20;
    mainProgram = "longshore";
    platforms = lib.platforms.linux;
  };
}
