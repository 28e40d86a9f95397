// Grafana's version 5 of the router, whose types would hide those of version 6.
declare module 'react-router-dom' {
  export const Router: React.ComponentType<{ history: unknown; children: React.ReactNode }>;
}

// Grafana's start calls this; it is in the package, but not among what the package names as its own.
declare module '*/PluginPage.mjs' {
  export function setPluginPage(page: React.ComponentType<import('@grafana/runtime').PluginPageProps>): void;
}
