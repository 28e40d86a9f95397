import { Alert, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react';
import { useReady, useStackStatus } from '../api/status';
import type { Health, ServiceStatus } from '../api/types';
import { useConfig } from '../config';
import { ErrorNotice } from '../parts/ErrorNotice';
import { Facts } from '../parts/Facts';
import { Page } from '../parts/Page';
import { Pill } from '../parts/Pill';
import { Loading } from '../parts/States';
import { Ago } from '../parts/Time';
import { formatSeconds } from '../time/format';
import classes from './StatusPage.module.css';

/** How the parts of the stack are, as the backend sees them. */
export function StatusPage() {
  const { problem } = useConfig();
  return (
    <Page title="Status" lead="How the parts are, as the backend sees them. Looked at again every ten seconds.">
      {problem !== null && (
        <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} title="There are no links into Grafana">
          {problem}
        </Alert>
      )}
      <Backend />
      <Services />
    </Page>
  );
}

function Backend() {
  const ready = useReady();
  return (
    <Stack component="section" className="card" p="md" aria-labelledby="backend">
      <Title order={2} size="h4" id="backend">
        The backend itself
      </Title>
      {ready.isPending && <Loading what="the state of the backend" />}
      {ready.error && (
        <ErrorNotice title="The backend could not be asked" error={ready.error} onRetry={() => ready.refetch()} />
      )}
      {ready.data && !ready.error && <Readiness health={ready.data} />}
    </Stack>
  );
}

function Readiness({ health }: { health: Health }) {
  const parts = Object.entries(health.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <>
      <div role="status">
        {health.status === 'HEALTHY' ? (
          <Pill tone="ok" icon={IconCircleCheck}>
            Ready
          </Pill>
        ) : (
          <Pill tone="bad" icon={IconCircleX}>
            Not ready
          </Pill>
        )}
      </div>
      <Facts
        facts={[
          ['Version', health.version || 'unknown'],
          ['Runs for', formatSeconds(Number(health.uptimeSeconds ?? 0))],
          ...parts,
        ]}
      />
    </>
  );
}

function Services() {
  const status = useStackStatus();
  const services = status.data?.services ?? [];
  return (
    <Stack component="section" gap="xs" aria-labelledby="services">
      <Title order={2} size="h4" id="services">
        Services
      </Title>
      {status.isPending && <Loading what="the services" />}
      {status.error && (
        <ErrorNotice
          title="The services could not be asked"
          error={status.error}
          onRetry={() => status.refetch()}
        />
      )}
      {status.data && services.length === 0 && <Text c="dimmed">The backend has no services to ask.</Text>}
      <SimpleGrid component="ul" className="plain-list" cols={{ base: 1, sm: 2 }} spacing="sm">
        {services.map((service) => (
          <Service key={service.name} service={service} />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function Service({ service }: { service: ServiceStatus }) {
  return (
    <li className={`card ${classes.service}`}>
      <div className={classes.head}>
        <Title order={3} size="h5">
          {service.name}
        </Title>
        <StatePill state={service.state} />
      </div>
      {service.message !== '' && <Text size="sm">{service.message}</Text>}
      <Text size="sm" c="dimmed" component="div" className={classes.facts}>
        {service.url !== '' && <span className="mono">{service.url}</span>}
        {service.state === 'UP' && <span>{service.latencyMs} ms</span>}
        {service.checkedAt && (
          <span>
            asked <Ago time={service.checkedAt} />
          </span>
        )}
      </Text>
    </li>
  );
}

function StatePill({ state }: { state: ServiceStatus['state'] }) {
  if (state === 'UP') {
    return (
      <Pill tone="ok" icon={IconCircleCheck}>
        Up
      </Pill>
    );
  }
  if (state === 'DOWN') {
    return (
      <Pill tone="bad" icon={IconCircleX}>
        Down
      </Pill>
    );
  }
  return (
    <Pill tone="neutral" icon={IconHelpCircle}>
      Not known
    </Pill>
  );
}
