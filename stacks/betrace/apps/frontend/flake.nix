{
  description = "The BeTrace web application";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      package =
        {
          lib,
          buildNpmPackage,
          importNpmLock,
          nodejs,
          runCommand,
        }:
        let
          lock = builtins.fromJSON (builtins.readFile ./package-lock.json);
          # A package by its sum. The lock does not say where it is, and npm knows.
          tarball =
            path: module:
            let
              name = module.name or (lib.last (lib.splitString "node_modules/" path));
            in
            runCommand "package.tgz" {
              outputHash = module.integrity;
              outputHashMode = "flat";
              impureEnvVars = lib.fetchers.proxyImpureEnvVars;
              nativeBuildInputs = [ nodejs ];
            } ''
              HOME=$TMPDIR npm pack --silent '${name}@${module.version}'
              mv ./*.tgz $out
            '';
        in
        buildNpmPackage {
          pname = "betrace-frontend";
          inherit (lock) version;
          src = ./.;
          npmDeps = importNpmLock {
            npmRoot = ./.;
            packageSourceOverrides = builtins.mapAttrs tarball (lib.filterAttrs (_: module: module ? integrity) lock.packages);
          };
          inherit (importNpmLock) npmConfigHook;
          installPhase = "cp -r dist $out";
          meta = {
            description = "The BeTrace web application";
            license = lib.licenses.mit;
          };
        };
      packagesFor = system: { default = nixpkgs.legacyPackages.${system}.callPackage package { }; };
    in
    {
      packages.x86_64-linux = packagesFor "x86_64-linux";
      packages.aarch64-linux = packagesFor "aarch64-linux";
    };
}
