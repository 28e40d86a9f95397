{
  description = "BeTrace's backend, and what puts load on it";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      package =
        { lib, rustPlatform }:
        rustPlatform.buildRustPackage {
          pname = "betrace-backend";
          inherit ((builtins.fromTOML (builtins.readFile ./Cargo.toml)).workspace.package) version;
          src = ./.;
          cargoLock.lockFile = ./Cargo.lock;
          meta = {
            description = "Holds traces to rules, and keeps and tells what breaks them";
            license = lib.licenses.mit;
            mainProgram = "betrace-backend";
          };
        };
      packagesFor = system: { default = nixpkgs.legacyPackages.${system}.callPackage package { }; };
    in
    {
      packages.x86_64-linux = packagesFor "x86_64-linux";
      packages.aarch64-linux = packagesFor "aarch64-linux";
    };
}
