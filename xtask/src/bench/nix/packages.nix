# Debian packages as paths of a Nix store: each is unpacked as it is, and refers to those that it depends on.
#
# `packages.json` is a list of `{ name, file, needs }`, `file` below `debs/`; `needs` has names of others of the list, without
# circles. `bb/bin` holds a static busybox, also as `sh`.
let
  busybox = builtins.path {
    path = ./bb;
    name = "busybox-static";
  };
  packages = builtins.fromJSON (builtins.readFile ./packages.json);
  made =
    name: needs: source: script:
    derivation {
      inherit name needs source;
      system = builtins.currentSystem;
      builder = "${busybox}/bin/sh";
      args = [
        "-euc"
        "PATH=${busybox}/bin; mkdir -p $out/nix-support; ${script} for n in $needs; do echo $n; done > $out/nix-support/needs"
      ];
    };
  paths = builtins.listToAttrs (
    map (package: {
      inherit (package) name;
      value = made package.name (map (name: paths.${name}) package.needs) (./debs + "/${package.file}") "busybox dpkg-deb -x $source $out;";
    }) packages
  );
in
made "packages" (builtins.attrValues paths) "" ""
