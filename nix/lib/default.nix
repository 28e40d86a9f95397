# Images as derivations: longshore makes them inside of Nix's sandbox, of what `exportReferencesGraph` says, without a daemon and
# without network. docs/guides/nix-flake.md shows how it is used.
{
  # The program for a system: `longshoreFor "x86_64-linux"`.
  longshoreFor,
}:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    concatStringsSep
    filter
    fromTOML
    isAttrs
    listToAttrs
    map
    mapAttrs
    pathExists
    readFile
    ;
  resolve = import ./resolve.nix;
  toml = import ./toml.nix;

  # What longshore and the stack file call a system.
  platforms = {
    x86_64-linux = "linux/amd64";
    aarch64-linux = "linux/arm64";
  };
  platformOf =
    system:
    platforms.${system}
      or (throw "longshore makes images for Linux on ${concatStringsSep " and " (attrNames platforms)}, not for ${system}");

  quoted = word: "'" + builtins.replaceStrings [ "'" ] [ "'\\''" ] word + "'";
  optional = condition: list: if condition then list else [ ];
  merged = builtins.foldl' (all: more: all // more) { };
  systemOf = pkgs: pkgs.stdenv.hostPlatform.system;

  # The derivations of one stack, by what they run: `run "web.tar" [ [ "save" "web" "--output" out ] ]`.
  runner =
    {
      longshore,
      system,
      stack,
      # `{ ".#web" = [ "/nix/store/…" ]; }`: every installable of the stack.
      installables,
    }:
    name: commands:
    derivation {
      inherit
        name
        system
        stack
        commands
        ;
      builder = "${longshore}/bin/longshore";
      args = [ "nix-builder" ];
      __structuredAttrs = true;
      installables.${platformOf system} = installables;
      exportReferencesGraph.closure = concatMap (paths: paths) (attrValues installables);
      # Archives hold their closures: who has one needs nothing of the store besides.
      unsafeDiscardReferences.out = true;
    };
  out = builtins.placeholder "out";

  # A program that works where it is called. Nothing that it writes is in the store.
  program =
    pkgs: name: command:
    pkgs.writeShellScriptBin name ''exec ${command} "$@"'';
  app = name: package: {
    type = "app";
    program = "${package}/bin/${name}";
  };
in
rec {
  # Makes a pair of keys in the folder it is called in, for `sign`.
  cosignKeygen =
    {
      pkgs,
      longshore ? longshoreFor (systemOf pkgs),
    }:
    program pkgs "cosign-keygen" "${longshore}/bin/longshore keygen";

  # The stack in a stack file: `packages` and `apps` for a flake.
  mkStack =
    {
      pkgs,
      # The stack's folder, or its stack file alone.
      stack,
      profile ? null,
      # What `.#name` is: the flake's own `packages` for this system. Whatever else an image takes from Nix goes by its text:
      # `"github:somebody/something#program" = …`.
      packages ? { },
      # Where `longshore vendor` brought together what the stack takes from elsewhere than Nix.
      vendored ? null,
      longshore ? longshoreFor (systemOf pkgs),
      # Where the stack's folder is for those who run the apps: from the folder they are in.
      directory ? ".",
    }:
    let
      system = systemOf pkgs;
      isFolder = pathExists (stack + "/stack.toml");
      file = fromTOML (readFile (if isFolder then stack + "/stack.toml" else stack));
      chosen = if profile != null then profile else file.stack.default-profile or null;
      active =
        if chosen == null then
          { }
        else
          file.profile.${chosen} or (throw "the stack `${file.stack.name}` has no profile `${chosen}`");
      # What the stack file says, and what the profile adds.
      tables = [
        file
        active
      ];
      names = attrNames (merged (map (table: table.image or { }) tables));
      contents = concatMap (
        table:
        (table.image-defaults.contents or [ ])
        ++ concatMap (image: image.contents or [ ]) (attrValues (table.image or { }))
      ) tables;
      run = runner {
        inherit longshore system;
        # Of its own, so that nothing else of a flake makes images anew.
        stack = builtins.path {
          path = stack;
          name = if isFolder then "stack" else "stack.toml";
        };
        installables = resolve {
          inherit pkgs packages stack;
          entries = filter isAttrs contents;
        };
      };
      inProfile = optional (chosen != null) [
        "--profile"
        chosen
      ];
      settings = inProfile ++ optional (vendored != null) [ "--vendored=${vendored}" ];
      made = what: commands: run "${file.stack.name}-${what}" (map (command: settings ++ command) commands);
      here = [
        "--platform"
        (platformOf system)
      ];
      archive = name: made "${name}.tar" [ ([ "save" name "--by-content" "--output" out ] ++ here) ];
      layout = name: made "${name}-layout" [ ([ "build" name "--output" out ] ++ here) ];
      every =
        function: prefix: suffix:
        listToAttrs (
          map (name: {
            name = prefix + name + suffix;
            value = function name;
          }) names
        );
      services = merged (map (table: table.service or { }) tables);
      all = made "layout" [ ([ "build" "--output" out ] ++ here) ];

      # On the stack as its user has it, with images as Nix made them.
      work =
        name: arguments:
        program pkgs name (
          concatStringsSep " " (
            map quoted (
              [
                "${longshore}/bin/longshore"
                "--directory"
                directory
              ]
              ++ inProfile
              ++ arguments
            )
          )
        );
      programs = {
        push = work "push" [
          "push"
          "--from"
          "${all}"
        ];
        sign = work "sign" [ "sign" ];
        verify = work "verify" [ "verify" ];
        up = work "up" [
          "up"
          "--from"
          "${all}"
        ];
        cosign-keygen = cosignKeygen { inherit pkgs longshore; };
      };
    in
    {
      packages =
        every archive "container-" ""
        // every layout "" "-layout"
        // {
          # An archive of each image, and `index.json`, which says what they hold.
          containers-all = made "containers" [ ([ "save" "--by-content" "--output" "${out}/" ] ++ here) ];
          # All images in one layout.
          containers-layout = all;
          sbom = made "sbom" (
            map (format: [ "sbom" "--stack" "--format" format "--output" "${out}/" ] ++ here) [
              "spdx"
              "cyclonedx"
            ]
          );
        }
        // (
          if services == { } then
            { }
          else
            {
              # `compose.yaml`, and the configuration of its services beside it.
              docker-compose = made "compose" [ [ "generate" "compose" "--output" out ] ];
              kubernetes = made "kubernetes" [ [ "generate" "kube" "--output" out ] ];
            }
        );
      apps = mapAttrs app programs;
    };

  # One image: the derivation of its archive, with `layout` and `sbom` beside it. Arguments that are not named here are keys of the
  # image, as in a stack file: `command`, `entrypoint`, `user`, `env`, `ports`, `workdir`, `writable`, `title` …
  mkImage =
    {
      pkgs,
      name,
      # Derivations, whose programs get into `/bin`; or `{ nix = derivation; from = …; to = …; }`, as in a stack file.
      contents,
      # What the image is named below: `ghcr.io/somebody`.
      repository ? name,
      longshore ? longshoreFor (systemOf pkgs),
      ...
    }@arguments:
    let
      keys = removeAttrs arguments [
        "pkgs"
        "name"
        "contents"
        "repository"
        "longshore"
      ];
      entries = map (entry: if isAttrs entry && entry ? nix then entry else { nix = entry; }) contents;
      taken = concatMap (entry: map (path: entry // { nix = path; }) (resolve.outputs entry.nix)) entries;
      text = toml {
        stack = {
          inherit name repository;
          platforms = [ (platformOf (systemOf pkgs)) ];
        };
        image.${name} = keys // {
          contents = taken;
        };
      };
      file = builtins.toFile "stack.toml" (builtins.unsafeDiscardStringContext text);
      run = runner {
        inherit longshore;
        system = systemOf pkgs;
        stack = file;
        installables = listToAttrs (
          map (entry: {
            name = builtins.unsafeDiscardStringContext entry.nix;
            value = [ entry.nix ];
          }) taken
        );
      };
    in
    run "${name}.tar" [ [ "save" "--by-content" "--output" out ] ]
    // {
      layout = run "${name}-layout" [ [ "build" "--output" out ] ];
      sbom = run "${name}-sbom" (
        map (format: [ "sbom" "--format" format "--output" "${out}/" ]) [
          "spdx"
          "cyclonedx"
        ]
      );
    };
}
