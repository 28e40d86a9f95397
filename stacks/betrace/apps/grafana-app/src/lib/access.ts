import { config } from '@grafana/runtime';

// For what is shown only: what is allowed is decided by Grafana's server, by the routes in plugin.json.

/** Whether this person may change rules. */
export function canWrite(): boolean {
  const { orgRole, isGrafanaAdmin } = config.bootData.user;
  return isGrafanaAdmin || orgRole === 'Editor' || orgRole === 'Admin';
}

/** Whether this person may open Explore. */
export function canExplore(): boolean {
  const { permissions } = config.bootData.user;
  return config.exploreEnabled !== false && permissions?.['datasources:explore'] === true;
}
