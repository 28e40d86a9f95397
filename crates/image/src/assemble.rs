//! From a checked image specification and its layers to the image (OCI image specification 1.1, "Image Configuration").

use std::collections::BTreeMap;

use longshore_oci::{Config, Empty, Epoch, History, ImageConfig, Platform, RootFsConfig};
use longshore_stack::model::ImageSpec;

use crate::base::Base;
use crate::health;
use crate::image::Image;
use crate::pack::Layer;

/// Variables that every image has unless its specification sets them.
const DEFAULT_ENV: [(&str, &str); 2] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("TZ", "UTC")];

/// The image `name` as `spec` says, on `platform`, of `layers` (lowest first) on those of `base`, with every time `epoch`.
/// What `spec` leaves to the base has been filled in (`Stack::inherit`).
///
/// `Volumes` stays empty: engines would make an anonymous volume for each, and which directories hold data is the
/// deployment's to say.
pub fn assemble(
    name: &str,
    spec: &ImageSpec,
    base: Option<&Base>,
    epoch: Epoch,
    platform: &Platform,
    own: Vec<Layer>,
) -> Image {
    let created = epoch.to_string();
    let mut history = base.map(|base| base.history.clone()).unwrap_or_default();
    history.extend(own.iter().map(|layer| History {
        created: created.clone(),
        created_by: layer.name().to_owned(),
        ..History::default()
    }));
    let mut layers = base.map(|base| base.layers.clone()).unwrap_or_default();
    layers.extend(own);
    let mut settings = config(spec);
    settings.exposed_ports.extend(base.into_iter().flat_map(|base| base.exposed_ports.clone()));
    let config = ImageConfig {
        created,
        platform: platform.clone(),
        config: settings,
        rootfs: RootFsConfig {
            kind: "layers".to_owned(),
            diff_ids: layers.iter().map(|layer| layer.diff_id).collect(),
        },
        history,
    };
    let base = base.map(|base| base.on.clone());
    Image { name: name.to_owned(), platform: platform.clone(), config, layers, notes: Vec::new(), base }
}

/// The variables that a program of the image finds.
pub fn environment(spec: &ImageSpec) -> BTreeMap<&str, &str> {
    let mut env: BTreeMap<&str, &str> = DEFAULT_ENV.into();
    env.extend(spec.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    env
}

fn config(spec: &ImageSpec) -> Config {
    let env = environment(spec);
    let ports = spec.ports.values().map(|port| (port.to_string(), Empty {}));
    Config {
        // Numeric, so that no engine has to read a file of the image to know it, and Kubernetes can check `runAsNonRoot`.
        user: format!("{}:{}", spec.user.uid, spec.user.gid),
        exposed_ports: ports.collect(),
        env: env.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
        entrypoint: spec.entrypoint.clone(),
        cmd: spec.command.clone(),
        volumes: BTreeMap::new(),
        working_dir: spec.workdir.as_ref().map(ToString::to_string).unwrap_or_default(),
        labels: spec.labels.clone(),
        stop_signal: spec.stop_signal.clone().unwrap_or_default(),
        healthcheck: spec.healthcheck.as_ref().map(health::docker),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use longshore_stack::model::{HealthCheck, HealthSpec, PortSpec, Protocol, UserSpec};

    use super::*;

    fn spec() -> ImageSpec {
        ImageSpec {
            base: None,
            contents: Vec::new(),
            user: UserSpec {
                name: "web".into(),
                uid: 10001,
                gid: 10002,
                home: "/".into(),
                shell: "/usr/sbin/nologin".into(),
            },
            users: Vec::new(),
            entrypoint: vec!["/bin/web".into()],
            command: vec!["--port".into(), "80".into()],
            env: [("TZ".to_owned(), "Europe/Berlin".to_owned()), ("A".to_owned(), "1".to_owned())].into(),
            workdir: Some("srv".try_into().unwrap()),
            labels: [
                ("org.opencontainers.image.title".to_owned(), "web".to_owned()),
                ("x".to_owned(), "y".to_owned()),
            ]
            .into(),
            ports: [
                ("http".to_owned(), PortSpec { number: 8080, protocol: Protocol::Tcp }),
                ("dns".to_owned(), PortSpec { number: 53, protocol: Protocol::Udp }),
            ]
            .into(),
            stop_signal: Some("SIGQUIT".into()),
            writable: Vec::new(),
            alternatives: BTreeMap::new(),
            certificates: Vec::new(),
            keep: Vec::new(),
            allow: Vec::new(),
            max_layers: 40,
            healthcheck: None,
        }
    }

    #[test]
    fn docker_finds_the_health_check_that_is_asked_for() {
        let health = HealthSpec {
            check: HealthCheck::Http { port: 8080, path: "/ready".to_owned() },
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(3),
            retries: 3,
            start_period: Duration::from_secs(30),
        };
        let spec = ImageSpec { healthcheck: Some(health), ..spec() };
        let said = serde_json::to_value(config(&spec)).unwrap();
        assert_eq!(
            said["Healthcheck"],
            serde_json::json!({
                "Test": ["CMD", "/usr/libexec/longshore-probe", "http", "http://127.0.0.1:8080/ready", "--timeout", "3"],
                "Interval": 5_000_000_000_u64, "Timeout": 3_000_000_000_u64, "StartPeriod": 30_000_000_000_u64, "Retries": 3,
            })
        );
    }

    #[test]
    fn the_configuration_says_what_the_specification_says() {
        let image = assemble(
            "web",
            &spec(),
            None,
            Epoch(0),
            &"linux/arm/v7".parse().unwrap(),
            crate::pack::testing::two_layers(),
        );
        let [one, two] = &image.layers[..] else { panic!("two layers") };
        assert_eq!(
            String::from_utf8(image.config.to_bytes()).unwrap(),
            format!(
                concat!(
                    r#"{{"created":"1970-01-01T00:00:00Z","architecture":"arm","os":"linux","variant":"v7","#,
                    r#""config":{{"User":"10001:10002","ExposedPorts":{{"53/udp":{{}},"8080/tcp":{{}}}},"#,
                    r#""Env":["A=1","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","TZ=Europe/Berlin"],"#,
                    r#""Entrypoint":["/bin/web"],"Cmd":["--port","80"],"WorkingDir":"/srv","#,
                    r#""Labels":{{"org.opencontainers.image.title":"web","x":"y"}},"StopSignal":"SIGQUIT"}},"#,
                    r#""rootfs":{{"type":"layers","diff_ids":["{}","{}"]}},"#,
                    r#""history":[{{"created":"1970-01-01T00:00:00Z","created_by":"one"}},"#,
                    r#"{{"created":"1970-01-01T00:00:00Z","created_by":"two"}}]}}"#
                ),
                one.diff_id, two.diff_id
            )
        );
        assert_eq!(image.annotations().keys().collect::<Vec<_>>(), ["org.opencontainers.image.title"]);
    }
}
