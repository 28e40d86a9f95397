{
  description = "From one stack file to reproducible container images";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      perSystem =
        function:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = function system nixpkgs.legacyPackages.${system};
          }) systems
        );
      lib = import ./nix/lib { longshoreFor = system: self.packages.${system}.longshore; };

      # The applications of BeTrace, which are flakes of their own, with this flake's nixpkgs.
      application = folder: (import (folder + "/flake.nix")).outputs { inherit nixpkgs; };
      backend = application ./stacks/betrace/apps/backend;
      frontend = application ./stacks/betrace/apps/frontend;
      grafana-app = application ./stacks/betrace/apps/grafana-app;

      betrace =
        system: pkgs:
        lib.mkStack {
          inherit pkgs;
          stack = ./stacks/betrace;
          profile = "nix";
          packages = self.packages.${system};
          directory = "stacks/betrace";
        };
    in
    {
      inherit lib;

      packages = perSystem (
        system: pkgs:
        {
          longshore = pkgs.callPackage ./nix/package.nix { };
          default = self.packages.${system}.longshore;
          betrace-backend = backend.packages.${system}.default;
          betrace-frontend = frontend.packages.${system}.default;
          betrace-grafana-app = grafana-app.packages.${system}.default;
          cosign-keygen = lib.cosignKeygen { inherit pkgs; };
        }
        // (betrace system pkgs).packages
      );

      apps = perSystem (
        system: pkgs:
        {
          default = {
            type = "app";
            program = "${self.packages.${system}.longshore}/bin/longshore";
          };
        }
        // (betrace system pkgs).apps
      );
    };
}
