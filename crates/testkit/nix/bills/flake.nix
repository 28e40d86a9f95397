# Store paths of which their makers say more than a name, as nixpkgs does: `pname`, `version`, patches, licences, CPE. `bb/bin` is put
# beside this file by testkit.
{
  description = "Store paths with licences and patches, for tests";

  outputs =
    { self }:
    let
      system = "x86_64-linux";
      # The builder lies in a folder and is called `sh`: busybox goes by the name it is called by.
      busybox = builtins.path {
        path = ./bb;
        name = "busybox-static";
      };
      made =
        {
          pname,
          version,
          script,
          meta ? { },
          patches ? [ ],
        }:
        derivation {
          inherit
            pname
            version
            patches
            system
            ;
          name = "${pname}-${version}";
          builder = "${busybox}/bin/sh";
          args = [
            "-euc"
            script
          ];
          PATH = "${busybox}/bin";
        }
        // {
          inherit meta;
        };
      mit.spdxId = "MIT";
      apache.spdxId = "Apache-2.0";
    in
    {
      packages.${system} = rec {
        greeting = made {
          pname = "libgreeting";
          version = "1.4.2";
          patches = [
            ./CVE-2023-1000_CVE-2023-1001.patch
            ./no-documentation.patch
          ];
          script = "mkdir -p $out/share; echo hello > $out/share/greeting";
          # Nobody asks for what is only referred to.
          meta.license = mit;
        };
        hello = made {
          pname = "hello";
          version = "2.12";
          patches = [ ./CVE-2024-1234.patch ];
          script = "mkdir -p $out/bin; printf '#!${busybox}/bin/sh\\ncat ${greeting}/share/greeting\\n' > $out/bin/hello; chmod 555 $out/bin/hello";
          meta.license = [
            mit
            apache
          ];
          meta.identifiers.cpe = "cpe:2.3:a:gnu:hello:2.12:*:*:*:*:*:*:*";
        };
        # Its licence is on no list, so nothing is said of it.
        plain = made {
          pname = "plain";
          version = "0.1";
          script = "mkdir -p $out/bin; printf '#!${busybox}/bin/sh\\n' > $out/bin/plain; chmod 555 $out/bin/plain";
          meta.license = {
            fullName = "Our own";
          };
        };
      };
    };
}
